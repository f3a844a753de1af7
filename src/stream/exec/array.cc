// The functions of ARRAY. They work on cells: equal values have equal bytes.
#include <absl/container/flat_hash_set.h>

#include <algorithm>

#include "base/strings.h"
#include "stream/exec/collection.h"

namespace leat::exec {
namespace {

using data::CollectionReader;
using data::CollectionWriter;
using data::Type;
using plan::FunctionId;
using Text = std::string_view;
using Types = std::vector<Type>;

Text ArrayAt(const Vector& vector, size_t row) { return vector.column->values<Text>()[vector.constant ? 0 : row]; }

void AddAll(Text array, const Types& types, CollectionWriter& writer) {
  for (CollectionReader reader(array, types); !reader.done();) writer.AddCell(reader.Next());
}

Kernel MakeContains(const Types& types) {
  return [types](const KernelCall& call) -> data::ColumnPtr {
    auto out = std::make_shared<data::Column>(call.type);
    for (size_t row = 0; row < call.rows; ++row) {
      if (call.args[0].IsNull(row)) {
        out->AppendNull();
        continue;
      }
      const std::string wanted = CellOf(call.args[1], row);
      const std::vector<Text> cells = CellsOf(ArrayAt(call.args[0], row), types);
      out->Append<uint8_t>(std::ranges::find(cells, wanted) != cells.end() ? 1 : 0);
    }
    return out;
  };
}

Kernel MakePosition(const Types& types) {
  return [types](const KernelCall& call) -> data::ColumnPtr {
    auto out = std::make_shared<data::Column>(call.type);
    for (size_t row = 0; row < call.rows; ++row) {
      if (AnyNull(call, row)) {
        out->AppendNull();
        continue;
      }
      const std::string wanted = CellOf(call.args[1], row);
      const std::vector<Text> cells = CellsOf(ArrayAt(call.args[0], row), types);
      const auto found = std::ranges::find(cells, wanted);
      out->Append<int32_t>(found == cells.end() ? 0 : static_cast<int32_t>(found - cells.begin()) + 1);
    }
    return out;
  };
}

Kernel MakeAdd(const Types& types, FunctionId id) {
  return [types, id](const KernelCall& call) {
    return WriteCollections(call, [&](size_t row, CollectionWriter& writer) {
      if (call.args[0].IsNull(row)) return false;
      const std::string added = CellOf(call.args[1], row);
      if (id == FunctionId::kArrayPrepend) writer.AddCell(added);
      for (CollectionReader reader(ArrayAt(call.args[0], row), types); !reader.done();) {
        const Text cell = reader.Next();
        if (id != FunctionId::kArrayRemove || cell != added) writer.AddCell(cell);
      }
      if (id == FunctionId::kArrayAppend) writer.AddCell(added);
      return true;
    });
  };
}

Kernel MakeConcat(const Types& types) {
  return [types](const KernelCall& call) {
    return WriteCollections(call, [&](size_t row, CollectionWriter& writer) {
      if (AnyNull(call, row)) return false;
      for (const Vector& arg : call.args) AddAll(ArrayAt(arg, row), types, writer);
      return true;
    });
  };
}

// ARRAY_DISTINCT and ARRAY_UNION: every value of the arguments once, where it comes first.
Kernel MakeDistinct(const Types& types) {
  return [types](const KernelCall& call) {
    return WriteCollections(call, [&](size_t row, CollectionWriter& writer) {
      if (AnyNull(call, row)) return false;
      absl::flat_hash_set<std::string> seen;
      for (const Vector& arg : call.args) {
        for (CollectionReader reader(ArrayAt(arg, row), types); !reader.done();) {
          const Text cell = reader.Next();
          if (seen.emplace(cell).second) writer.AddCell(cell);
        }
      }
      return true;
    });
  };
}

Kernel MakeReverse(const Types& types) {
  return [types](const KernelCall& call) {
    return WriteCollections(call, [&](size_t row, CollectionWriter& writer) {
      if (AnyNull(call, row)) return false;
      const std::vector<Text> cells = CellsOf(ArrayAt(call.args[0], row), types);
      for (auto cell = cells.rbegin(); cell != cells.rend(); ++cell) writer.AddCell(*cell);
      return true;
    });
  };
}

// A place from 1, or negative from the end, as one from 1; 0 is the beginning.
int64_t PlaceOf(int64_t place, int64_t size) { return place < 0 ? size + place + 1 : std::max<int64_t>(place, 1); }

Kernel MakeSlice(const Types& types) {
  return [types](const KernelCall& call) {
    const View<int32_t> from(call.args[1]);
    return WriteCollections(call, [&](size_t row, CollectionWriter& writer) {
      if (AnyNull(call, row)) return false;
      const std::vector<Text> cells = CellsOf(ArrayAt(call.args[0], row), types);
      const auto size = static_cast<int64_t>(cells.size());
      const int64_t first = std::max<int64_t>(PlaceOf(from[row], size), 1);
      const int64_t last = call.args.size() < 3 ? size : PlaceOf(View<int32_t>(call.args[2])[row], size);
      for (int64_t i = first; i <= std::min(last, size); ++i) writer.AddCell(cells[static_cast<size_t>(i) - 1]);
      return true;
    });
  };
}

bool FlagAt(const KernelCall& call, size_t i, size_t row, bool otherwise) {
  return i < call.args.size() ? View<uint8_t>(call.args[i])[row] != 0 : otherwise;
}

Kernel MakeSort(const Types& types) {
  return [types](const KernelCall& call) {
    return WriteCollections(call, [&](size_t row, CollectionWriter& writer) {
      if (AnyNull(call, row)) return false;
      const bool ascending = FlagAt(call, 1, row, true);
      const bool nulls_first = FlagAt(call, 2, row, ascending);
      std::vector<std::pair<std::string, Text>> values;
      size_t nulls = 0;
      for (const Text cell : CellsOf(ArrayAt(call.args[0], row), types)) {
        if (data::CellIsNull(cell)) {
          ++nulls;
        } else {
          values.emplace_back(OrderOf(cell, types[0]), cell);
        }
      }
      std::stable_sort(values.begin(), values.end(),
                       [&](const auto& a, const auto& b) { return ascending ? a.first < b.first : b.first < a.first; });
      for (size_t i = 0; nulls_first && i < nulls; ++i) writer.AddCell(data::kNullCell);
      for (const auto& [order, cell] : values) writer.AddCell(cell);
      for (size_t i = 0; !nulls_first && i < nulls; ++i) writer.AddCell(data::kNullCell);
      return true;
    });
  };
}

// The extreme of the elements that are there.
Kernel MakeExtreme(const Types& types, bool smallest) {
  return [types, smallest](const KernelCall& call) -> data::ColumnPtr {
    auto out = std::make_shared<data::Column>(call.type);
    for (size_t row = 0; row < call.rows; ++row) {
      std::string best;
      Text found = data::kNullCell;
      if (!call.args[0].IsNull(row)) {
        for (CollectionReader reader(ArrayAt(call.args[0], row), types); !reader.done();) {
          const Text cell = reader.Next();
          if (data::CellIsNull(cell)) continue;
          std::string order = OrderOf(cell, types[0]);
          if (!data::CellIsNull(found) && (smallest ? order >= best : order <= best)) continue;
          best = std::move(order);
          found = cell;
        }
      }
      data::AppendCellTo(found, out.get());
    }
    return out;
  };
}

Kernel MakeJoin(const Types& types) {
  return [types](const KernelCall& call) -> data::ColumnPtr {
    auto out = std::make_shared<data::Column>(call.type);
    for (size_t row = 0; row < call.rows; ++row) {
      if (AnyNull(call, row)) {
        out->AppendNull();
        continue;
      }
      data::Column elements(types[0].AsNullable());
      for (CollectionReader reader(ArrayAt(call.args[0], row), types); !reader.done();) {
        data::AppendCellTo(reader.Next(), &elements);
      }
      std::string text;
      bool first = true;
      for (size_t i = 0; i < elements.size(); ++i) {
        if (elements.IsNull(i) && call.args.size() < 3) continue;
        if (!first) text += ArrayAt(call.args[1], row);
        first = false;
        text += elements.IsNull(i) ? ArrayAt(call.args[2], row) : elements.values<Text>()[i];
      }
      out->AppendText(text);
    }
    return out;
  };
}

}  // namespace

absl::StatusOr<Kernel> MakeArrayKernel(const Binding& binding) {
  if (binding.arg(0).kind != data::TypeKind::kArray) return NoKernel(binding);
  const Types types = data::CellTypes(binding.arg(0));
  switch (binding.call.function) {
    case FunctionId::kArrayAppend:
    case FunctionId::kArrayPrepend:
    case FunctionId::kArrayRemove:
      return MakeAdd(types, binding.call.function);
    case FunctionId::kArrayConcat:
      return MakeConcat(types);
    case FunctionId::kArrayContains:
      return MakeContains(types);
    case FunctionId::kArrayDistinct:
    case FunctionId::kArrayUnion:
      return MakeDistinct(types);
    case FunctionId::kArrayJoin:
      if (!types[0].IsCharacter()) return NoKernel(binding);
      return MakeJoin(types);
    case FunctionId::kArrayMax:
      return MakeExtreme(types, false);
    case FunctionId::kArrayMin:
      return MakeExtreme(types, true);
    case FunctionId::kArrayPosition:
      return MakePosition(types);
    case FunctionId::kArrayReverse:
      return MakeReverse(types);
    case FunctionId::kArraySlice:
      return MakeSlice(types);
    case FunctionId::kArraySort:
      return MakeSort(types);
    default:
      return NoKernel(binding);
  }
}

}  // namespace leat::exec
