// JSON made of values: JSON_OBJECT, JSON_ARRAY, JSON_STRING, JSON_QUOTE, JSON_UNQUOTE.
#include <absl/strings/escaping.h>

#include <cmath>

#include "base/strings.h"
#include "stream/data/value.h"
#include "stream/exec/json_tree.h"
#include "stream/exec/node.h"
#include "stream/exec/utf8.h"

namespace leat::exec {
namespace {

using plan::FunctionId;
using Text = std::string_view;

bool IsWritable(const data::Type& type) {
  return type.IsCharacter() || type.IsNumeric() || type.kind == data::TypeKind::kBoolean ||
         type.kind == data::TypeKind::kBytes || type.kind == data::TypeKind::kNull;
}

absl::Status CheckWritable(const Binding& binding, size_t i) {
  if (IsWritable(binding.arg(i))) return absl::OkStatus();
  return Unimplemented(plan::GetFunctionInfo(binding.call.function).name, " of ",
                       binding.arg(i).AsNullable().ToString(), " is not supported yet; CAST it to STRING");
}

// The value as JSON; `raw`: it is JSON already.
void AppendValue(const Vector& vector, size_t row, bool raw, std::string* out) {
  const data::Column& column = *vector.column;
  const size_t at = vector.constant ? 0 : row;
  const data::Type& type = column.type();
  if (column.IsNull(at) || type.kind == data::TypeKind::kNull) {
    *out += "null";
  } else if (type.storage() == data::Storage::kText) {
    const Text text = column.values<Text>()[at];
    if (raw) {
      *out += text;
    } else if (type.kind == data::TypeKind::kBytes) {
      AppendQuotedJson(absl::Base64Escape(ToAbsl(text)), out);
    } else {
      AppendQuotedJson(text, out);
    }
  } else if (type.kind == data::TypeKind::kBoolean) {
    *out += column.values<uint8_t>()[at] != 0 ? "true" : "false";
  } else {
    const std::string number = data::FormatValue(column.GetValue(at), type);
    const bool finite = type.storage() != data::Storage::kDouble || std::isfinite(column.values<double>()[at]);
    *out += finite ? number : StrCat("\"", number, "\"");
  }
}

// JSON_OBJECT and JSON_ARRAY. Names are brought into order, as the reference writes them.
Kernel MakeBuilder(const std::string& mode, bool object) {
  return [mode, object](const KernelCall& call) -> data::ColumnPtr {
    auto out = std::make_shared<data::Column>(call.type);
    const size_t step = object ? 2 : 1;
    for (size_t row = 0; row < call.rows; ++row) {
      JsonNode node;
      std::string text(object ? "{" : "[");
      for (size_t i = 1; i + step <= call.args.size(); i += step) {
        const Vector& value = call.args[i + step - 1];
        if (mode[0] == 'A' && value.IsNull(row)) continue;
        if (object && call.args[i].IsNull(row)) {
          call.errors.Add(row, "JSON_OBJECT: a name is NULL");
          continue;
        }
        if (text.size() > 1) text += ",";
        if (object) {
          AppendQuotedJson(View<Text>(call.args[i])[row], &text);
          text += ":";
        }
        AppendValue(value, row, mode[1 + (i - 1) / step] == 'J', &text);
      }
      text += object ? "}" : "]";
      if (object && ParseJson(text, &node)) {
        text.clear();
        AppendJson(node, &text);
      }
      out->AppendText(text);
    }
    return out;
  };
}

Kernel MakeJsonString() {
  return [](const KernelCall& call) -> data::ColumnPtr {
    auto out = std::make_shared<data::Column>(call.type);
    for (size_t row = 0; row < call.rows; ++row) {
      if (call.args[0].IsNull(row)) {
        out->AppendNull();
        continue;
      }
      std::string text;
      AppendValue(call.args[0], row, false, &text);
      out->AppendText(text);
    }
    return out;
  };
}

// A JSON string of ASCII characters alone: the others are escaped, those above U+FFFF as two halves.
void AppendAsciiJson(Text text, std::string* out) {
  std::string quoted;
  AppendQuotedJson(text, &quoted);
  const auto escape = [out](uint32_t half) {
    *out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out->push_back("0123456789abcdef"[half >> shift & 15]);
  };
  for (Text rest = quoted; !rest.empty();) {
    const size_t length = utf8::Length(rest);
    const uint32_t c = utf8::Decode(rest, length);
    rest.remove_prefix(length);
    if (c < 0x80) {
      out->push_back(static_cast<char>(c));
    } else if (c < 0x10000) {
      escape(c);
    } else {
      escape(0xd800 + ((c - 0x10000) >> 10));
      escape(0xdc00 + ((c - 0x10000) & 0x3ff));
    }
  }
}

Kernel MakeQuote() {
  return [](const KernelCall& call) {
    return MapText<Text>(call, [](size_t, std::string* out, Text text) {
      AppendAsciiJson(text, out);
      return true;
    });
  };
}

// Takes the quotes of a JSON string off; any other text stays as it is.
Kernel MakeUnquote() {
  return [](const KernelCall& call) {
    return MapText<Text>(call, [](size_t, std::string* out, Text text) {
      JsonNode node;
      const bool quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
      const bool string = quoted && ParseJson(text, &node) && node.kind == JsonNode::Kind::kText;
      *out = string ? node.text : std::string(text);
      return true;
    });
  };
}

}  // namespace

absl::StatusOr<Kernel> MakeJsonTextKernel(const Binding& binding) {
  const FunctionId id = binding.call.function;
  if (id == FunctionId::kJsonQuote) return MakeQuote();
  if (id == FunctionId::kJsonUnquote) return MakeUnquote();
  if (id == FunctionId::kJsonString) {
    LEAT_RETURN_IF_ERROR(CheckWritable(binding, 0));
    return MakeJsonString();
  }
  const bool object = id == FunctionId::kJsonObject;
  const std::optional<std::string> mode = binding.ConstantText(0);
  const size_t values = (binding.count() - 1) / (object ? 2 : 1);
  if (!mode || mode->size() != 1 + values) return NoKernel(binding);
  for (size_t i = object ? 2 : 1; i < binding.count(); i += object ? 2 : 1) {
    LEAT_RETURN_IF_ERROR(CheckWritable(binding, i));
  }
  return MakeBuilder(*mode, object);
}

}  // namespace leat::exec
