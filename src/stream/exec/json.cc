// JSON_VALUE, JSON_QUERY, JSON_EXISTS and IS JSON.
#include <charconv>

#include "base/strings.h"
#include "stream/exec/json_path.h"
#include "stream/exec/node.h"

namespace leat::exec {
namespace {

using plan::FunctionId;
using Text = std::string_view;

// What a path finds in a text. kFailed: a strict path over what is no JSON, or that finds nothing.
struct Outcome {
  enum class Kind { kEmpty, kFailed, kFound };
  Kind kind = Kind::kEmpty;
  JsonNode node;
  std::string reason;  // kFailed
};

// The last text and path are kept: one record is mostly asked for several values.
class Reader {
 public:
  absl::Status SetPath(Text path) {
    if (path_ && path_text_ == path) return absl::OkStatus();
    LEAT_ASSIGN_OR_RETURN(path_, JsonPath::Parse(path));
    path_text_ = path;
    return absl::OkStatus();
  }
  bool lax() const { return path_->lax; }

  Outcome Read(Text json) {
    JsonNode document;
    const auto failed = [](std::string reason) {
      return Outcome{.kind = Outcome::Kind::kFailed, .node = {}, .reason = std::move(reason)};
    };
    if (!ParseJson(json, &document)) return path_->lax ? Outcome{} : failed("the text is no JSON");
    // The reference's JSON path takes no document that is null itself, in either mode.
    if (document.kind == JsonNode::Kind::kNull) return failed("the document is null");
    JsonFound found = Follow(*path_, document);
    if (found.missing) return path_->lax ? Outcome{} : failed(StrCat("nothing is at '", path_text_, "'"));
    if (!found.node) return Outcome{};
    return {.kind = Outcome::Kind::kFound, .node = *std::move(found.node), .reason = {}};
  }

 private:
  std::optional<JsonPath> path_;
  std::string path_text_;
};

// --- JSON_VALUE ---

enum class Appended { kDone, kNoSuchValue };

template <typename T>
bool ParseNumber(const std::string& text, T* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size();
}

Appended AppendScalarNode(const JsonNode& node, data::Column* out) {
  switch (out->type().kind) {
    case data::TypeKind::kBoolean:
      if (node.kind != JsonNode::Kind::kBoolean) return Appended::kNoSuchValue;
      out->Append<uint8_t>(node.text == "true" ? 1 : 0);
      return Appended::kDone;
    case data::TypeKind::kInt: {
      int32_t value = 0;
      if (node.kind != JsonNode::Kind::kNumber || !ParseNumber(node.text, &value)) return Appended::kNoSuchValue;
      out->Append<int32_t>(value);
      return Appended::kDone;
    }
    case data::TypeKind::kDouble: {
      double value = 0;
      if (node.kind != JsonNode::Kind::kNumber || !ParseNumber(node.text, &value)) return Appended::kNoSuchValue;
      out->Append<double>(value);
      return Appended::kDone;
    }
    default:
      out->AppendText(ScalarText(node));
      return Appended::kDone;
  }
}

// What a letter of the mode says: NULL, the default (an argument of the call), or a failed row.
void AppendInstead(char choice, const Vector& otherwise, size_t row, const std::string& reason, const KernelCall& call,
                   data::Column* out) {
  if (choice == 'D') return out->AppendFrom(*otherwise.column, otherwise.constant ? 0 : row);
  if (choice == 'E') call.errors.Add(row, StrCat("JSON_VALUE: ", reason));
  out->AppendNull();
}

Kernel MakeJsonValue(const std::string& mode) {
  return [mode](const KernelCall& call) -> data::ColumnPtr {
    auto out = std::make_shared<data::Column>(call.type.AsNullable());
    Reader reader;
    for (size_t row = 0; row < call.rows; ++row) {
      if (call.args[0].IsNull(row) || call.args[1].IsNull(row)) {
        out->AppendNull();
        continue;
      }
      if (const absl::Status status = reader.SetPath(View<Text>(call.args[1])[row]); !status.ok()) {
        AppendInstead(mode[1], call.args[4], row, std::string(Message(status)), call, out.get());
        continue;
      }
      const Outcome found = reader.Read(View<Text>(call.args[0])[row]);
      const bool container = found.kind == Outcome::Kind::kFound && !found.node.IsScalar();
      if (found.kind == Outcome::Kind::kEmpty || (container && reader.lax())) {
        AppendInstead(mode[0], call.args[3], row, "nothing is there, ERROR ON EMPTY", call, out.get());
      } else if (found.kind == Outcome::Kind::kFailed || container) {
        AppendInstead(mode[1], call.args[4], row, container ? "expected a single value" : found.reason, call,
                      out.get());
      } else if (AppendScalarNode(found.node, out.get()) == Appended::kNoSuchValue) {
        // The reference fails the job: the value is no failure of the path.
        call.errors.Add(
            row, StrCat("JSON_VALUE: expected ", call.type.AsNullable().ToString(), ", got ", ScalarText(found.node)));
        out->AppendNull();
      }
    }
    return out;
  };
}

// --- JSON_QUERY ---

bool Instead(char choice, size_t row, const std::string& reason, const KernelCall& call, std::string* out) {
  if (choice == 'A') *out = "[]";
  if (choice == 'O') *out = "{}";
  if (choice == 'E') call.errors.Add(row, StrCat("JSON_QUERY: ", reason));
  return choice == 'A' || choice == 'O';
}

Kernel MakeJsonQuery(const std::string& mode) {
  return [mode](const KernelCall& call) {
    Reader reader;
    return MapText<Text, Text>(call, [&](size_t row, std::string* out, Text json, Text path) {
      if (const absl::Status status = reader.SetPath(path); !status.ok()) {
        return Instead(mode[2], row, std::string(Message(status)), call, out);
      }
      Outcome found = reader.Read(json);
      if (found.kind == Outcome::Kind::kFailed) return Instead(mode[2], row, found.reason, call, out);
      if (found.kind == Outcome::Kind::kEmpty) return Instead(mode[1], row, "nothing is there", call, out);
      const bool array = found.node.kind == JsonNode::Kind::kArray;
      if (mode[0] == 'U' || (mode[0] == 'C' && !array)) {
        JsonNode wrapped;
        wrapped.kind = JsonNode::Kind::kArray;
        wrapped.items.push_back(std::move(found.node));
        found.node = std::move(wrapped);
      }
      if (found.node.IsScalar()) {
        return Instead(mode[reader.lax() ? 1 : 2], row, "expected an array or an object", call, out);
      }
      AppendJson(found.node, out);
      return true;
    });
  };
}

Kernel MakeJsonExists(char on_error) {
  return [on_error](const KernelCall& call) {
    Reader reader;
    return MapRows<uint8_t, Text, Text>(call, [&](size_t row, uint8_t* out, Text json, Text path) {
      const absl::Status status = reader.SetPath(path);
      std::string reason(Message(status));
      if (status.ok()) {
        const Outcome found = reader.Read(json);
        *out = found.kind == Outcome::Kind::kFound ? 1 : 0;
        if (found.kind != Outcome::Kind::kFailed) return true;
        reason = found.reason;
      }
      *out = on_error == 'T' ? 1 : 0;
      if (on_error == 'E') call.errors.Add(row, StrCat("JSON_EXISTS: ", reason));
      return on_error == 'T' || on_error == 'F';
    });
  };
}

// FALSE for NULL.
Kernel MakeIsJson(char mode) {
  return [mode](const KernelCall& call) -> data::ColumnPtr {
    auto out = std::make_shared<data::Column>(call.type);
    const View<Text> texts(call.args[0]);
    for (size_t row = 0; row < call.rows; ++row) {
      JsonNode node;
      bool is = !texts.IsNull(row) && ParseJson(texts[row], &node);
      if (mode == 'S') is = is && node.IsScalar();
      if (mode == 'A') is = is && node.kind == JsonNode::Kind::kArray;
      if (mode == 'O') is = is && node.kind == JsonNode::Kind::kObject;
      out->Append<uint8_t>(is ? 1 : 0);
    }
    return out;
  };
}

}  // namespace

absl::StatusOr<Kernel> MakeJsonKernel(const Binding& binding) {
  const bool is_json = binding.call.function == FunctionId::kIsJson;
  const std::optional<std::string> mode = binding.ConstantText(is_json ? 1 : 2);
  if (!mode || mode->empty()) return NoKernel(binding);
  // A path that is written in the script is judged before any row comes.
  if (const auto path = is_json ? std::nullopt : binding.ConstantText(1)) {
    LEAT_RETURN_IF_ERROR(JsonPath::Parse(*path).status());
  }
  switch (binding.call.function) {
    case FunctionId::kJsonValue:
      return MakeJsonValue(*mode);
    case FunctionId::kJsonQuery:
      return MakeJsonQuery(*mode);
    case FunctionId::kJsonExists:
      return MakeJsonExists((*mode)[0]);
    default:
      return MakeIsJson((*mode)[0]);
  }
}

}  // namespace leat::exec
