{# The face of the library: the functions that Python calls. #}
#define FACE extern "C" __attribute__((visibility("default")))

FACE void circuit_allocate()
{
    _init_arrays();
    {% for each in clocks %}
    brian::{{each.name}}.timestep = brian::{{each.timestep}};
    brian::{{each.name}}.dt = brian::{{each.dt}};
    brian::{{each.name}}.t = brian::{{each.t}};
    {% endfor %}
}

FACE void circuit_free()
{
    {% for each in arrays if not each.vector %}
    delete[] {{each.data}};
    {% endfor %}
    {% for name in initial %}
    delete[] brian::{{name}};
    {% endfor %}
}

FACE double* circuit_values() { return hybrid::values::all; }

FACE void* circuit_initial(int64_t k) { return hybrid::initial[k](); }

FACE int32_t circuit_make(uint32_t seed, int64_t steps_per_tick)
{
    hybrid::FlushDenormals guard;
    hybrid::steps_per_tick = steps_per_tick;
    brian::_random_generators[0].seed(seed);
    try { return make_network() ? 0 : 2; }
    catch (const std::exception& error) { hybrid::message = error.what(); return 1; }
}

FACE const char* circuit_message() { return hybrid::message.c_str(); }

FACE int32_t circuit_advance(int64_t ticks, const hybrid::Events* events, const double* const* injected)
{
    hybrid::FlushDenormals guard;
    for (int k = 0; k < {{inputs|length}}; k++)
        hybrid::inputs[k].next = 0;
    for (int k = 0; k < {{spikes|length}}; k++)
    {
        hybrid::spikes[k].ticks.clear();
        hybrid::spikes[k].ids.clear();
        hybrid::spikes[k].counts.clear();
    }
    for (int k = 0; k < {{readouts|length}}; k++)
        hybrid::readouts[k].values.clear();
    bool finite;
    try { finite = hybrid::live(ticks, events, injected); }
    catch (const std::exception& error) { hybrid::message = error.what(); return 1; }
    for (int k = 0; k < {{spikes|length}}; k++)
    {
        const hybrid::SpikeOutput& output = hybrid::spikes[k];
        const size_t capacity = std::min({output.ticks.capacity(), output.ids.capacity(), output.counts.capacity()});
        hybrid::emitted[k] = { (int64_t)output.ids.size(), (int64_t)capacity,
                               { output.ticks.data(), output.ids.data(), output.counts.data() } };
    }
    for (int k = 0; k < {{readouts|length}}; k++)
    {
        const std::vector<double>& values = hybrid::readouts[k].values;
        hybrid::emitted[{{spikes|length}} + k] = { (int64_t)values.size(), (int64_t)values.capacity(), { values.data(), NULL, NULL } };
    }
    return finite ? 0 : 2;
}

FACE void circuit_want(int64_t k, int32_t wanted)
{
    if (k < {{spikes|length}})
        hybrid::spikes[k].wanted = wanted;
    else
        hybrid::readouts[k - {{spikes|length}}].wanted = wanted;
}

FACE void* circuit_emitted() { return hybrid::emitted; }
FACE void* circuit_divergence() { return &hybrid::divergence; }
FACE int64_t* circuit_step() { return &hybrid::step; }

FACE void* circuit_random(int64_t* size)
{
    *size = sizeof(brian::_random_generators[0]);
    return &brian::_random_generators[0];
}

FACE void* circuit_array(int64_t k, int64_t* size)
{
    *size = (int64_t)hybrid::arrays[k].size();
    return hybrid::arrays[k].data();
}

FACE void circuit_resize(int64_t k, int64_t size) { hybrid::arrays[k].resize((size_t)size); }

FACE void circuit_table_shape(int64_t k, int64_t* shape) { hybrid::tables[k].shape(shape); }

FACE void circuit_table_get(int64_t k, char* to)
{
    int64_t shape[2];
    hybrid::tables[k].shape(shape);
    const size_t bytes = shape[1] * hybrid::tables[k].itemsize;
    for (int64_t row = 0; row < shape[0] && bytes; row++)
        std::memcpy(to + row * bytes, hybrid::tables[k].row(row), bytes);
}

FACE void circuit_table_set(int64_t k, const char* from, int64_t rows, int64_t columns)
{
    hybrid::tables[k].resize(rows, columns);
    const size_t bytes = columns * hybrid::tables[k].itemsize;
    for (int64_t row = 0; row < rows && bytes; row++)
        std::memcpy(hybrid::tables[k].row(row), from + row * bytes, bytes);
}

{# A queue as numbers: the offset, the number of its steps, how many synapses wait in each, and which. #}
FACE int64_t circuit_queue_size(int64_t k)
{
    const CSpikeQueue& queue = *hybrid::pathways[k].path->queue[0];
    int64_t size = 2 + queue.queue.size();
    for (const auto& waiting : queue.queue)
        size += waiting.size();
    return size;
}

FACE void circuit_queue_get(int64_t k, int32_t* to)
{
    const CSpikeQueue& queue = *hybrid::pathways[k].path->queue[0];
    *to++ = queue.offset;
    *to++ = (int32_t)queue.queue.size();
    for (const auto& waiting : queue.queue)
        *to++ = (int32_t)waiting.size();
    for (const auto& waiting : queue.queue)
        to = std::copy(waiting.begin(), waiting.end(), to);
}

FACE void circuit_queue_set(int64_t k, const int32_t* from)
{
    hybrid::pathways[k].prepare();
    CSpikeQueue& queue = *hybrid::pathways[k].path->queue[0];
    queue.offset = *from++;
    queue.queue.resize(*from++);
    const int32_t* waiting = from + queue.queue.size();
    for (auto& each : queue.queue)
    {
        each.assign(waiting, waiting + *from);
        waiting += *from++;
    }
}
