{# Numbers that the code names instead of holding them: a library serves all values. #}
namespace hybrid { namespace values {

static double all[{{number_of_values}} + 1];
{% for k in range(number_of_values) %}
static double& value_{{k}} = all[{{k}}];
{% endfor %}

} }  // namespace hybrid::values
