// What the slots of an accumulator hold. Blocks are moved by memcpy and not aligned.
#pragma once

#include <cstdint>
#include <cstring>

#include "stream/data/type.h"

namespace leat::exec {

struct Count {
  int64_t count;
};
template <typename T>
struct Sum {
  int64_t count;
  T sum;
};
struct DecimalSum {
  int64_t count;
  int64_t overflowed;
  data::Int128 sum;
};
template <typename T>
struct Extreme {
  int64_t present;
  T value;
};
template <>
struct Extreme<data::Int128> {
  int64_t present;
  int64_t reserved;  // would be padding: stored bytes are all defined
  data::Int128 value;
};
struct TextExtreme {
  int64_t size_plus_one;  // 0: none
  const char* bytes;
};

template <typename T>
T Get(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}
template <typename T>
void Put(const T& value, char* to) {
  std::memcpy(to, &value, sizeof(T));
}

}  // namespace leat::exec
