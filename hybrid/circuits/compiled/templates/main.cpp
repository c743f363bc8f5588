{# What Brian2's main() does before the network runs: initial values, synapses, spike queues. #}
static void make_network()
{
    using namespace brian;
    {{'\n'.join(code_lines['before_start'])|autoindent}}
    {{'\n'.join(code_lines['after_start'])|autoindent}}
    {{main_lines|autoindent}}
    {{'\n'.join(code_lines['before_network_run'])|autoindent}}
}
