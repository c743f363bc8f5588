{# What stands before the generated code: helpers of the face, and what Brian2's code finds in place of exit(). #}
#include <algorithm>
#include <cstring>
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

// By its bits, which -ffast-math cannot reason away: a number is finite unless its exponent is all ones.
static inline uint64_t exponent(double value) { uint64_t bits; std::memcpy(&bits, &value, 8); return bits & 0x7ff0000000000000u; }
static inline uint32_t exponent(float value) { uint32_t bits; std::memcpy(&bits, &value, 4); return bits & 0x7f800000u; }
static inline bool is_finite(double value) { return exponent(value) != 0x7ff0000000000000u; }
static inline bool is_finite(float value) { return exponent(value) != 0x7f800000u; }

template <class T> int64_t first_bad(const T* values, size_t size)
{
    bool bad = false;
    for (size_t i = 0; i < size; i++)
        bad |= !is_finite(values[i]);
    for (size_t i = 0; bad && i < size; i++)
        if (!is_finite(values[i]))
            return (int64_t)i;
    return -1;
}

template <class T> void append_all(const T* values, size_t start, size_t stop, std::vector<double>& to)
{
    to.insert(to.end(), values + start, values + stop);
}

template <class T> void append_mean(const T* values, size_t start, size_t stop, std::vector<double>& to)
{
    double sum = 0.0;
    for (size_t i = start; i < stop; i++)
        sum += values[i];
    to.push_back(stop > start ? sum / (double)(stop - start) : 0.0);
}

}  // namespace hybrid

static_assert(std::is_trivially_copyable<brian::RandomGenerator>::value, "its bytes are its state");
