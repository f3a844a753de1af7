// Constructors of ARRAY, MAP and ROW, access to their parts, and the functions of MAP.
#include "stream/exec/collection.h"

#include <re2/re2.h>

#include "base/strings.h"
#include "stream/exec/ordered_bag.h"
#include "stream/exec/utf8.h"

namespace leat::exec {

using data::CollectionReader;
using data::CollectionWriter;
using data::Type;
using plan::FunctionId;
using Text = std::string_view;

std::vector<Text> CellsOf(Text bytes, const std::vector<Type>& cell_types) {
  std::vector<Text> cells;
  CollectionReader reader(bytes, cell_types);
  cells.reserve(reader.count());
  while (!reader.done()) cells.push_back(reader.Next());
  return cells;
}

std::string CellOf(const Vector& vector, size_t row) {
  std::string cell;
  data::AppendCell(*vector.column, vector.constant ? 0 : row, &cell);
  return cell;
}

std::string OrderOf(Text cell, const Type& type) {
  data::Column one(type.AsNullable());
  data::AppendCellTo(cell, &one);
  std::string ordered;
  EncodeOrdered(one, 0, &ordered);
  return ordered;
}

namespace {

Kernel MakeArrayOf() {
  return [](const KernelCall& call) {
    return WriteCollections(call, [&](size_t row, CollectionWriter& writer) {
      for (const Vector& arg : call.args) writer.Add(*arg.column, arg.constant ? 0 : row);
      return true;
    });
  };
}

// Entries in the order of their keys' first appearance; of a key that comes again the last value counts.
class Entries {
 public:
  void Put(Text key, Text value) {
    for (auto& [known, held] : entries_) {
      if (known != key) continue;
      held = value;
      return;
    }
    entries_.emplace_back(key, value);
  }
  void Write(CollectionWriter& writer) const {
    for (const auto& [key, value] : entries_) {
      writer.AddCell(key);
      writer.AddCell(value);
    }
  }

 private:
  std::vector<std::pair<std::string, std::string>> entries_;
};

Kernel MakeMapOf() {
  return [](const KernelCall& call) {
    return WriteCollections(call, [&](size_t row, CollectionWriter& writer) {
      Entries entries;
      for (size_t i = 0; i + 1 < call.args.size(); i += 2) {
        entries.Put(CellOf(call.args[i], row), CellOf(call.args[i + 1], row));
      }
      entries.Write(writer);
      return true;
    });
  };
}

Kernel MakeRowOf() {
  return [](const KernelCall& call) -> data::ColumnPtr {
    std::vector<data::ColumnPtr> children;
    for (const Vector& arg : call.args) children.push_back(Expand(arg, call.rows));
    auto out = std::make_shared<data::Column>(call.type);
    out->SetChildren(std::move(children), call.rows);
    return out;
  };
}

// --- access ---

// One value a row: find(row) is its cell; an empty one is NULL.
template <typename F>
data::ColumnPtr PickCells(const KernelCall& call, F find) {
  auto out = std::make_shared<data::Column>(call.type);
  for (size_t row = 0; row < call.rows; ++row) {
    const Text cell = AnyNull(call, row) ? Text() : find(row);
    data::AppendCellTo(cell.empty() ? data::kNullCell : cell, out.get());
  }
  return out;
}

Kernel MakeItem(const Type& from) {
  const std::vector<Type> types = data::CellTypes(from);
  if (from.kind == data::TypeKind::kArray) {
    return [types](const KernelCall& call) {
      const View<Text> arrays(call.args[0]);
      const View<int32_t> places(call.args[1]);
      return PickCells(call, [&](size_t row) -> Text {
        CollectionReader reader(arrays[row], types);
        const int32_t place = places[row];
        if (place < 1 || static_cast<uint32_t>(place) > reader.count()) return {};
        for (int32_t i = 1; i < place; ++i) reader.Next();
        return reader.Next();
      });
    };
  }
  return [types](const KernelCall& call) {
    const View<Text> maps(call.args[0]);
    return PickCells(call, [&](size_t row) -> Text {
      const std::string key = CellOf(call.args[1], row);
      for (CollectionReader reader(maps[row], types); !reader.done();) {
        const Text known = reader.Next();
        const Text value = reader.Next();
        if (known == key) return value;
      }
      return {};
    });
  };
}

Kernel MakeCardinality(const Type& from) {
  const std::vector<Type> types = data::CellTypes(from);
  return [types](const KernelCall& call) {
    return MapRows<int32_t, Text>(call, [&](size_t, int32_t* out, Text bytes) {
      *out = static_cast<int32_t>(CollectionReader(bytes, types).count() / types.size());
      return true;
    });
  };
}

Kernel MakeElement(const Type& from) {
  const std::vector<Type> types = data::CellTypes(from);
  return [types](const KernelCall& call) {
    const View<Text> arrays(call.args[0]);
    return PickCells(call, [&](size_t row) -> Text {
      CollectionReader reader(arrays[row], types);
      if (reader.count() == 1) return reader.Next();
      if (reader.count() > 1) {
        call.errors.Add(row, StrCat("ELEMENT: expected an array of one element, got ", reader.count()));
      }
      return {};
    });
  };
}

// --- MAP ---

Kernel MakeEntriesPart(FunctionId id, const Type& from) {
  const std::vector<Type> types = data::CellTypes(from);
  return [types, id](const KernelCall& call) {
    const View<Text> maps(call.args[0]);
    return WriteCollections(call, [&](size_t row, CollectionWriter& writer) {
      if (maps.IsNull(row)) return false;
      for (CollectionReader reader(maps[row], types); !reader.done();) {
        const Text key = reader.Next();
        const Text value = reader.Next();
        if (id == FunctionId::kMapEntries) {
          writer.AddCell(StrCat(Text("\1", 1), key, value));  // a ROW's cell
        } else {
          writer.AddCell(id == FunctionId::kMapKeys ? key : value);
        }
      }
      return true;
    });
  };
}

Kernel MakeMapFromArrays(const Type& keys_type, const Type& values_type) {
  return [key_types = data::CellTypes(keys_type), value_types = data::CellTypes(values_type)](const KernelCall& call) {
    const View<Text> keys(call.args[0]);
    const View<Text> values(call.args[1]);
    return WriteCollections(call, [&](size_t row, CollectionWriter& writer) {
      if (AnyNull(call, row)) return false;
      CollectionReader key_reader(keys[row], key_types);
      CollectionReader value_reader(values[row], value_types);
      if (key_reader.count() != value_reader.count()) {
        call.errors.Add(row, StrCat("MAP_FROM_ARRAYS: expected arrays of one length, got ", key_reader.count(),
                                    " keys and ", value_reader.count(), " values"));
        return false;
      }
      Entries entries;
      while (!key_reader.done()) entries.Put(key_reader.Next(), value_reader.Next());
      entries.Write(writer);
      return true;
    });
  };
}

Kernel MakeMapUnion(const Type& type) {
  return [types = data::CellTypes(type)](const KernelCall& call) {
    return WriteCollections(call, [&](size_t row, CollectionWriter& writer) {
      if (AnyNull(call, row)) return false;
      Entries entries;
      for (const Vector& arg : call.args) {
        for (CollectionReader reader(View<Text>(arg)[row], types); !reader.done();) {
          const Text key = reader.Next();
          entries.Put(key, reader.Next());
        }
      }
      entries.Write(writer);
      return true;
    });
  };
}

// --- text into collections ---

std::string TextCell(Text text) {
  data::Column one(data::String());
  one.AppendText(text);
  std::string cell;
  data::AppendCell(one, 0, &cell);
  return cell;
}

Kernel MakeSplit() {
  return [](const KernelCall& call) {
    const View<Text> texts(call.args[0]);
    const View<Text> delimiters(call.args[1]);
    return WriteCollections(call, [&](size_t row, CollectionWriter& writer) {
      if (AnyNull(call, row)) return false;
      Text text = texts[row];
      const Text delimiter = delimiters[row];
      if (text.empty()) return true;
      if (delimiter.empty()) {
        for (; !text.empty(); text.remove_prefix(utf8::Length(text))) {
          writer.AddCell(TextCell(text.substr(0, utf8::Length(text))));
        }
        return true;
      }
      for (size_t at = text.find(delimiter); at != Text::npos; at = text.find(delimiter)) {
        writer.AddCell(TextCell(text.substr(0, at)));
        text.remove_prefix(at + delimiter.size());
      }
      writer.AddCell(TextCell(text));
      return true;
    });
  };
}

using Regex = std::shared_ptr<const re2::RE2>;

absl::StatusOr<Regex> DelimiterOf(const Binding& binding, size_t i, const std::string& otherwise) {
  std::optional<std::string> pattern = otherwise;
  if (i < binding.count()) pattern = binding.ConstantText(i);
  if (!pattern) return Unimplemented("the delimiters of STR_TO_MAP must be constants");
  auto regex = std::make_shared<const re2::RE2>(*pattern, re2::RE2::Quiet);
  if (!regex->ok()) return InvalidArgument("STR_TO_MAP: '", *pattern, "' is no regular expression: ", regex->error());
  return regex;
}

// The part of *rest before the delimiter, which is taken off too; all of it, and false, if there is none.
bool TakeUntil(const re2::RE2& delimiter, Text* rest, Text* part) {
  re2::StringPiece found;
  const re2::StringPiece text(rest->data(), rest->size());
  if (!delimiter.Match(text, 0, text.size(), re2::RE2::UNANCHORED, &found, 1) || found.empty()) {
    *part = *rest;
    *rest = {};
    return false;
  }
  *part = rest->substr(0, static_cast<size_t>(found.data() - rest->data()));
  rest->remove_prefix(part->size() + found.size());
  return true;
}

absl::StatusOr<Kernel> MakeStrToMap(const Binding& binding) {
  LEAT_ASSIGN_OR_RETURN(const Regex between, DelimiterOf(binding, 1, ","));
  LEAT_ASSIGN_OR_RETURN(const Regex inside, DelimiterOf(binding, 2, "="));
  return Kernel([between, inside](const KernelCall& call) {
    const View<Text> texts(call.args[0]);
    return WriteCollections(call, [&](size_t row, CollectionWriter& writer) {
      if (AnyNull(call, row)) return false;
      Entries entries;
      Text rest = texts[row];
      bool more = !rest.empty();
      while (more) {
        Text entry;
        more = TakeUntil(*between, &rest, &entry);
        if (!more && entry.empty()) break;  // nothing behind the last delimiter
        Text key;
        const bool has_value = TakeUntil(*inside, &entry, &key);
        entries.Put(TextCell(key), has_value ? TextCell(entry) : std::string(data::kNullCell));
      }
      entries.Write(writer);
      return true;
    });
  });
}

}  // namespace

absl::StatusOr<Kernel> MakeCollectionKernel(const Binding& binding) {
  switch (binding.call.function) {
    case FunctionId::kArrayOf:
      return MakeArrayOf();
    case FunctionId::kMapOf:
      return MakeMapOf();
    case FunctionId::kRowOf:
      return MakeRowOf();
    case FunctionId::kItem:
      return MakeItem(binding.arg(0));
    case FunctionId::kCardinality:
      return MakeCardinality(binding.arg(0));
    case FunctionId::kElement:
      return MakeElement(binding.arg(0));
    case FunctionId::kMapEntries:
    case FunctionId::kMapKeys:
    case FunctionId::kMapValues:
      return MakeEntriesPart(binding.call.function, binding.arg(0));
    case FunctionId::kMapFromArrays:
      return MakeMapFromArrays(binding.arg(0), binding.arg(1));
    case FunctionId::kMapUnion:
      return MakeMapUnion(binding.arg(0));
    case FunctionId::kSplit:
      return MakeSplit();
    case FunctionId::kStrToMap:
      return MakeStrToMap(binding);
    default:
      return MakeArrayKernel(binding);
  }
}

}  // namespace leat::exec
