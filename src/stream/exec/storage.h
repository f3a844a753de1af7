// Calls a template with the C++ type behind a SQL type.
#pragma once

#include <type_traits>

#include "stream/data/type.h"

namespace leat::exec {

// visit(std::type_identity<T>{}) for the storage type T. REQUIRES: storage is not kRow.
template <typename F>
auto WithStorage(data::Storage storage, F visit) {
  switch (storage) {
    case data::Storage::kBool:
      return visit(std::type_identity<uint8_t>{});
    case data::Storage::kInt32:
      return visit(std::type_identity<int32_t>{});
    case data::Storage::kInt64:
      return visit(std::type_identity<int64_t>{});
    case data::Storage::kDouble:
      return visit(std::type_identity<double>{});
    case data::Storage::kInt128:
      return visit(std::type_identity<data::Int128>{});
    case data::Storage::kText:
    case data::Storage::kRow:
      break;
  }
  return visit(std::type_identity<std::string_view>{});
}

}  // namespace leat::exec
