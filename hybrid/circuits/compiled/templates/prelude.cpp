{# What stands before the generated code: helpers of the face, and what Brian2's code finds in place of exit(). #}
#include <algorithm>
#include <cstring>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>
#include "objects.h"
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace hybrid {

// Generated code reports a fatal error on cout and calls exit(1); in a library that must not end the process.
static std::ostringstream cout;
[[noreturn]] static void exit(int) { throw std::runtime_error(cout.str()); }

// Numbers too small to matter are taken as 0 while the circuit runs, as in a program built with -ffast-math, and only then.
#if defined(__SSE__)
struct FlushDenormals
{
    unsigned before;
    FlushDenormals() : before(_mm_getcsr()) { _mm_setcsr(before | 0x8040); }
    ~FlushDenormals() { _mm_setcsr(before); }
};
#elif defined(__aarch64__)
struct FlushDenormals
{
    uint64_t before;
    FlushDenormals()
    {
        __asm__ volatile("mrs %0, fpcr" : "=r"(before));
        __asm__ volatile("msr fpcr, %0" : : "r"(before | (1u << 24)));
    }
    ~FlushDenormals() { __asm__ volatile("msr fpcr, %0" : : "r"(before)); }
};
#else
struct FlushDenormals { FlushDenormals() {} };
#endif

// By its bits, which -ffast-math cannot reason away: where all bits of the exponent are set, one more carries into the sign.
static inline uint64_t carry(double value)
{
    uint64_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return (bits & 0x7ff0000000000000u) + 0x0010000000000000u;
}

static inline uint32_t carry(float value)
{
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return (bits & 0x7f800000u) + 0x00800000u;
}

static const double nan = std::numeric_limits<double>::quiet_NaN();  // what Brian2 writes where a value is not a number

static inline uint64_t room_below_infinity(double value)
{
    uint64_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return 0x7ff0000000000000u - (bits & 0x7fffffffffffffffu);
}

static inline uint32_t room_below_infinity(float value)
{
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return 0x7f800000u - (bits & 0x7fffffffu);
}

static inline bool in_sign(uint64_t bits) { return bits >> 63; }
static inline bool in_sign(uint32_t bits) { return bits >> 31; }

// The first that is infinite or not a number, or -1.
template <class T> int64_t first_bad(const T* values, size_t size)
{
    decltype(carry(T())) all = 0;
    for (size_t i = 0; i < size; i++)
        all |= carry(values[i]);
    for (size_t i = 0; in_sign(all) && i < size; i++)
        if (in_sign(carry(values[i])))
            return (int64_t)i;
    return -1;
}

// The first that is not a number, or -1.
template <class T> int64_t first_nan(const T* values, size_t size)
{
    decltype(carry(T())) all = 0;
    for (size_t i = 0; i < size; i++)
        all |= room_below_infinity(values[i]);
    for (size_t i = 0; in_sign(all) && i < size; i++)
        if (in_sign(room_below_infinity(values[i])))
            return (int64_t)i;
    return -1;
}

template <class T> void append_all(const T* values, size_t start, size_t stop, std::vector<double>& to)
{
    to.insert(to.end(), values + start, values + stop);
}

template <class T> void append_mean(const T* values, size_t start, size_t stop, std::vector<double>& to)
{
    {% if portable %}
    // In a fixed order that a compiler can vectorise.
    double sums[16] = {}, sum = 0.0;
    size_t i = start;
    for (; i + 16 <= stop; i += 16)
        for (int k = 0; k < 16; k++)
            sums[k] += values[i + k];
    for (; i < stop; i++)
        sum += values[i];
    for (int k = 0; k < 16; k++)
        sum += sums[k];
    {% else %}
    double sum = 0.0;
    for (size_t i = start; i < stop; i++)
        sum += values[i];
    {% endif %}
    to.push_back(stop > start ? sum / (double)(stop - start) : 0.0);
}

}  // namespace hybrid

static_assert(std::is_trivially_copyable<brian::RandomGenerator>::value, "its bytes are its state");
