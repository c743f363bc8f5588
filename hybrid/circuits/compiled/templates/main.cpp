{# What Brian2's main() does before the network runs: initial values, synapses, spike queues. #}
namespace hybrid { static bool is_sound_at_the_start(); }

{# Whether all values are numbers; if not, nothing is made of them, such as queues as long as the delays. #}
static bool make_network()
{
    using namespace brian;
    using hybrid::nan;
    using namespace hybrid::values;
    {{'\n'.join(code_lines['before_start'])|autoindent}}
    {{'\n'.join(code_lines['after_start'])|autoindent}}
    {{main_lines|autoindent}}
    if (!hybrid::is_sound_at_the_start())
        return false;
    {{'\n'.join(code_lines['before_network_run'])|autoindent}}
    return true;
}
