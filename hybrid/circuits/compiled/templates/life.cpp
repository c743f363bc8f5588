{# How a circuit lives through ticks: what comes in, what a step does, what leaves. All times are whole steps and ticks. #}
namespace hybrid {

struct Scheduled { int64_t every; void (*run)(); };
struct Ticking { int64_t every; Clock* clock; };
struct Array { void* (*data)(); size_t (*size)(); void (*resize)(size_t); };
struct Table { size_t itemsize; void (*shape)(int64_t*); char* (*row)(int64_t); void (*resize)(int64_t, int64_t); };
struct Pathway { SynapticPathway* path; void (*prepare)(); };
struct Events { int64_t number; const int64_t* ticks; const int32_t* ids; const int32_t* counts; };
struct Input { std::vector<int32_t>* space; int64_t next; };
struct Injection { int64_t size; void (*put)(const double*); };
struct SpikeOutput
{
    int64_t every;
    Array space;
    int32_t start, stop;
    std::vector<int64_t> ticks;
    std::vector<int32_t> ids, counts;
    bool wanted;
};
struct Readout { void (*read)(std::vector<double>&); std::vector<double> values; bool wanted; };
struct Watched { int64_t (*first_bad)(); int64_t (*first_nan)(); int64_t (*size)(); bool is_differential; };
struct Emitted { int64_t number, capacity; const void* parts[3]; };
struct Divergence { int64_t variable, element, step; };

static const int64_t steps_between_checks = {{check_every}};
static int64_t step = 0, steps_per_tick = 1, steps_between_synapses = 1;
static bool has_few_synapses = true;
static std::string message;
static Divergence divergence;

static const Scheduled schedule[] = {
    {% for run, every in schedule %}
    { {{every}}, {{run}} },
    {% endfor %}
    { 0, NULL }
};
static const Ticking clocks[] = {
    {% for each in clocks %}
    { {{each.every}}, &brian::{{each.name}} },
    {% endfor %}
    { 0, NULL }
};
{% macro _array(each) %}
{ []() -> void* { return (void*){{each.data}}; }, []() -> size_t { return {{each.size}}; },
      {% if each.vector %}[](size_t n) { {{each.vector}}.resize(n); }{% else %}NULL{% endif %} }
{%- endmacro %}
static const Array arrays[] = {
    {% for each in arrays %}
    {{_array(each)}},
    {% endfor %}
    { NULL, NULL, NULL }
};
static const Table tables[] = {
    {% for name, type in tables %}
    { sizeof({{type}}), [](int64_t* s) { s[0] = brian::{{name}}.n; s[1] = brian::{{name}}.m; },
      [](int64_t i) -> char* { return (char*)&brian::{{name}}((int)i, 0); },
      [](int64_t n, int64_t m) { brian::{{name}}.resize((int)n, (int)m); } },
    {% endfor %}
    { 0, NULL, NULL, NULL }
};
static const Pathway pathways[] = {
    {% for path, prepare in pathways %}
    { &brian::{{path}}, {{prepare}} },
    {% endfor %}
    { NULL, NULL }
};
static void* (*const initial[])() = {
    {% for name in initial %}
    []() -> void* { return brian::{{name}}; },
    {% endfor %}
    NULL
};
static Input inputs[] = {
    {% for vector in inputs %}
    { &{{vector}}, 0 },
    {% endfor %}
    { NULL, 0 }
};
static const Injection injections[] = {
    {% for each in injections %}
    { {{each.elements}}, [](const double* from) { std::copy(from, from + {{each.elements}}, {{each.data}} + {{each.start}}); } },
    {% endfor %}
    { 0, NULL }
};
static SpikeOutput spikes[] = {
    {% for each in spikes %}
    { {{each.every}}, {{_array(each)}}, {{each.start}}, {{each.stop}}, {}, {}, {}, true },
    {% endfor %}
    { 0, { NULL, NULL, NULL }, 0, 0, {}, {}, {}, false }
};
{% macro _range(each) %}{{each.start}}, {% if each.elements %}{{each.start + each.elements}}{% else %}{{each.size}}{% endif %}{% endmacro %}
static Readout readouts[] = {
    {% for each in readouts %}
    { [](std::vector<double>& to) { {{each.how}}({{each.data}}, {{_range(each)}}, to); }, {}, true },
    {% endfor %}
    { NULL, {}, false }
};
static const Watched watched[] = {
    {% for each in watched %}
    { []() -> int64_t { return first_bad({{each.data}}, {{each.size}}); }, []() -> int64_t { return first_nan({{each.data}}, {{each.size}}); },
      []() -> int64_t { return {{each.size}}; }, {{each.is_differential}} },
    {% endfor %}
    { NULL, NULL, NULL, false }
};
{# Of a variable that held an infinity before the first step only what is not a number counts. #}
static bool may_be_infinite[{{watched|length}} + 1];
static Emitted emitted[{{spikes|length + readouts|length + 1}}];

static void listen(const Events* events, int64_t tick)
{
    for (int k = 0; k < {{inputs|length}}; k++)
    {
        const Events& all = events[k];
        const int64_t first = inputs[k].next;
        int64_t last = first, total = 0;
        for (; last < all.number && all.ticks[last] == tick; last++)
            total += all.counts[last];
        std::vector<int32_t>& space = *inputs[k].space;
        if (total >= (int64_t)space.size())
            space.resize(2 * total);
        int32_t* id = space.data();
        for (int64_t e = first; e < last; e++)
            for (int32_t n = 0; n < all.counts[e]; n++)
                *id++ = all.ids[e];
        space.back() = (int32_t)total;
        inputs[k].next = last;
    }
}

static void inject(const double* const* values, int64_t ticks_before)
{
    for (int k = 0; k < {{injections|length}}; k++)
        injections[k].put(values[k] + ticks_before * injections[k].size);
}

static void hush()
{
    for (int k = 0; k < {{inputs|length}}; k++)
        inputs[k].space->back() = 0;
}

static void collect_spikes()
{
    for (int k = 0; k < {{spikes|length}}; k++)
    {
        SpikeOutput& output = spikes[k];
        if (!output.wanted || step % output.every)
            continue;
        const int32_t* space = (const int32_t*)output.space.data();
        const int32_t number = space[output.space.size() - 1];
        for (int32_t n = 0; n < number; n++)
            if (space[n] >= output.start && space[n] < output.stop)
                output.ids.push_back(space[n] - output.start);
    }
}

{# Several spikes of one element in a tick become one event with a count; events lie in the order of their ids. #}
static void count_spikes(int64_t tick)
{
    for (int k = 0; k < {{spikes|length}}; k++)
    {
        SpikeOutput& output = spikes[k];
        size_t last = output.ticks.size();
        const auto begin = output.ids.begin() + last;
        if (!std::is_sorted(begin, output.ids.end()))
            std::sort(begin, output.ids.end());
        for (size_t n = last; n < output.ids.size(); n++)
        {
            if (last > 0 && output.ticks[last - 1] == tick && output.ids[last - 1] == output.ids[n])
            {
                output.counts[last - 1]++;
                continue;
            }
            output.ids[last++] = output.ids[n];
            output.ticks.push_back(tick);
            output.counts.push_back(1);
        }
        output.ids.resize(last);
    }
}

{# Those of the cells come first, then those of synapses that change, then those that nothing changes. #}
static bool are_finite(int first, int last)
{
    for (int k = first; k < last; k++)
    {
        const int64_t element = may_be_infinite[k] ? watched[k].first_nan() : watched[k].first_bad();
        if (element >= 0)
        {
            divergence = { k, element, step };
            return false;
        }
    }
    return true;
}

static bool is_sound_at_the_start()
{
    int64_t changing = 0;
    for (int k = 0; k < {{watched|length}}; k++)
    {
        may_be_infinite[k] = !watched[k].is_differential && watched[k].first_bad() >= 0;
        if (k >= {{watched_cells}} && k < {{watched_cells + watched_synapses}})
            changing += watched[k].size();
    }
    const int64_t stretch = steps_between_checks * {{values_a_step}};
    steps_between_synapses = steps_between_checks * std::max<int64_t>(1, (changing + stretch - 1) / stretch);
    has_few_synapses = changing <= {{few}};
    return are_finite(0, {{watched|length}});
}

static bool is_finite_throughout() { return are_finite(0, {{watched_cells + watched_synapses}}); }

static bool is_finite_now()
{
    return step % steps_between_synapses == 0 ? is_finite_throughout() : are_finite(0, {{watched_cells}});
}

static bool is_finite_at_the_end()
{
    return step % steps_between_checks == 0 || are_finite(0, {{watched_cells}} + (has_few_synapses ? {{watched_synapses}} : 0));
}

static bool live(int64_t ticks, const Events* events, const double* const* injected)
{
    const int64_t start = step / steps_per_tick;
    for (int64_t tick = start; tick < start + ticks; tick++)
    {
        listen(events, tick);
        inject(injected, tick - start);
        for (int64_t s = 0; s < steps_per_tick; s++)
        {
            if (s == 1)
                hush();
            for (const Scheduled* each = schedule; each->run; each++)
                if (each->every == 1 || step % each->every == 0)
                    each->run();
            for (const Ticking* each = clocks; each->clock; each++)
                if (step % each->every == 0)
                    each->clock->tick();
            collect_spikes();
            step++;
            if (step % steps_between_checks == 0 && !is_finite_now())
                return false;
        }
        count_spikes(tick);
        for (int k = 0; k < {{readouts|length}}; k++)
        {
            if (!readouts[k].wanted)
                continue;
            std::vector<double>& values = readouts[k].values;
            const size_t before = values.size();
            readouts[k].read(values);
            if (first_bad(values.data() + before, values.size() - before) >= 0 && !is_finite_throughout())
                return false;
        }
    }
    return is_finite_at_the_end();
}

}  // namespace hybrid
