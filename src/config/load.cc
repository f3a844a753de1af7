#include "config/load.h"

#include <yaml-cpp/yaml.h>

#include <utility>

#include "config/keys.h"
#include "config/relations.h"
#include "runtime/peer_secret.h"

namespace leat::config {
namespace {

// Collects mistakes and remembers where each key was set.
class Loader {
 public:
  explicit Loader(std::string file_name) : file_name_(std::move(file_name)) {}

  void ReadYaml(const std::string& text);
  void ReadOverride(const std::string& assignment);
  absl::StatusOr<BrokerOptions> Finish();

 private:
  void ReadMap(const YAML::Node& map, const std::string& prefix);
  void ReadEntry(const YAML::Node& key_node, const YAML::Node& value, const std::string& prefix);
  void ReadValue(const Key& key, const std::string& where, const YAML::Node& value);
  void Set(const Key& key, const std::string& where, std::string_view text);
  void Unknown(const std::string& where, std::string_view name);
  void Complain(std::string_view where, std::string_view what) {
    errors_.push_back(StrCat("config: ", where, ": ", what));
  }
  std::string Where(const YAML::Mark& mark) const { return StrCat(file_name_, ":", mark.line + 1); }

  const std::string file_name_;
  BrokerOptions options_;
  StringMap<std::string> file_origins_;      // key -> broker.yaml:14
  StringMap<std::string> override_origins_;  // key -> --set
  std::vector<std::string> errors_;
};

bool IsGroup(std::string_view name) {
  for (const Key& key : Keys()) {
    if (GroupOf(key.name) == name) return true;
  }
  return false;
}

void Loader::ReadYaml(const std::string& text) {
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(text);
    if (documents.size() > 1) {
      return Complain(StrCat(file_name_, ":", documents[1].Mark().line + 1), "expected one YAML document, got another");
    }
    if (documents.empty() || documents[0].IsNull()) return;
    if (!documents[0].IsMap()) return Complain(Where(documents[0].Mark()), "expected 'key: value' lines");
    ReadMap(documents[0], "");
  } catch (const YAML::Exception& e) {
    Complain(Where(e.mark), StrCat("this is not YAML: ", e.msg));
  }
}

void Loader::ReadMap(const YAML::Node& map, const std::string& prefix) {
  for (const auto& entry : map) ReadEntry(entry.first, entry.second, prefix);
}

void Loader::ReadEntry(const YAML::Node& key_node, const YAML::Node& value, const std::string& prefix) {
  const std::string where = Where(key_node.Mark());
  if (!key_node.IsScalar()) return Complain(where, "expected the name of a key");
  const std::string name = prefix.empty() ? key_node.Scalar() : StrCat(prefix, ".", key_node.Scalar());
  if (const Key* key = FindKey(name); key != nullptr) {
    const auto [origin, first] = file_origins_.try_emplace(name, where);
    if (!first) return Complain(where, StrCat(name, ": given twice; the first is at ", origin->second));
    return ReadValue(*key, where, value);
  }
  // Only known groups are entered, so neither depth nor aliases can make this long.
  if (!IsGroup(name)) return Unknown(where, name);
  if (value.IsMap()) return ReadMap(value, name);
  if (!value.IsNull())
    Complain(where, StrCat(name, ": expected keys below it, such as '", name, ": {...}', got a value"));
}

void Loader::ReadValue(const Key& key, const std::string& where, const YAML::Node& value) {
  if (value.IsScalar()) return Set(key, where, value.Scalar());
  if (value.IsNull()) {
    return Complain(where, StrCat(key.name, ": expected ", key.type, ", got nothing; write \"\" for empty text"));
  }
  if (key.shape != Shape::kList || !value.IsSequence()) {
    return Complain(where, StrCat(key.name, ": expected ", key.type, ", got a ", value.IsMap() ? "map" : "list"));
  }
  std::string text;
  for (const YAML::Node& item : value) {
    if (!item.IsScalar() || item.Scalar().find(',') != std::string::npos) {
      return Complain(Where(item.Mark()), StrCat(key.name, ": expected plain text without commas in the list"));
    }
    StrAppend(&text, text.empty() ? "" : ",", item.Scalar());
  }
  Set(key, where, text);
}

void Loader::ReadOverride(const std::string& assignment) {
  const std::string where = StrCat("--set ", assignment);
  const size_t equals = assignment.find('=');
  if (equals == std::string::npos) return Complain(where, "expected key=value");
  const std::string name = assignment.substr(0, equals);
  const Key* key = FindKey(name);
  if (key == nullptr) return Unknown(where, name);
  if (!override_origins_.try_emplace(name, where).second) return Complain(where, StrCat(name, ": set twice"));
  Set(*key, where, std::string_view(assignment).substr(equals + 1));
}

void Loader::Set(const Key& key, const std::string& where, std::string_view text) {
  const absl::Status status = key.set(options_, text);
  if (!status.ok()) Complain(where, StrCat(key.name, ": ", Message(status)));
}

void Loader::Unknown(const std::string& where, std::string_view name) {
  std::vector<std::string_view> candidates;
  for (const Key& key : Keys()) {
    candidates.push_back(key.name);
    const std::string_view group = GroupOf(key.name);
    if (!group.empty() && (candidates.size() < 2 || candidates[candidates.size() - 2] != group)) {
      candidates.push_back(group);
    }
  }
  const std::string_view nearest = Nearest(name, candidates);
  Complain(where, nearest.empty() ? StrCat(name, ": unknown key; docs/config.md lists the keys")
                                  : StrCat(name, ": unknown key; did you mean ", nearest, "?"));
}

absl::StatusOr<BrokerOptions> Loader::Finish() {
  for (const Conflict& conflict : FindConflicts(options_)) {
    std::string where = "default";
    if (const auto it = file_origins_.find(conflict.key); it != file_origins_.end()) where = it->second;
    if (const auto it = override_origins_.find(conflict.key); it != override_origins_.end()) where = it->second;
    Complain(where, StrCat(conflict.key, ": ", conflict.message));
  }
  if (errors_.empty()) return options_;
  std::string text;
  for (const std::string& error : errors_) StrAppend(&text, text.empty() ? "" : "\n", error);
  return InvalidArgument(text);
}

}  // namespace

absl::StatusOr<BrokerOptions> ParseBrokerOptions(const ConfigFile& file, const std::vector<std::string>& overrides) {
  Loader loader(file.name);
  loader.ReadYaml(file.text);
  for (const std::string& assignment : overrides) loader.ReadOverride(assignment);
  return loader.Finish();
}

namespace {

absl::StatusOr<std::string> ReadBounded(env::Disk& disk, const std::string& path) {
  LEAT_ASSIGN_OR_RETURN(const std::unique_ptr<env::File> file, disk.Open(path, env::OpenMode::kRead));
  LEAT_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  if (size > kMaxConfigFileBytes) {
    return InvalidArgument(path, ": expected at most ", kMaxConfigFileBytes, " bytes, got ", size);
  }
  std::string text(size, '\0');
  LEAT_ASSIGN_OR_RETURN(const size_t n, file->ReadAt(0, text.data(), size));
  text.resize(n);
  return text;
}

}  // namespace

absl::StatusOr<BrokerOptions> LoadBrokerOptions(env::Disk& disk, const std::string& path,
                                                const std::vector<std::string>& overrides) {
  ConfigFile file{.name = path};
  if (!path.empty()) {
    absl::StatusOr<std::string> text = ReadBounded(disk, path);
    if (!text.ok()) return Annotate(text.status(), "config");
    file.text = *std::move(text);
  }
  LEAT_ASSIGN_OR_RETURN(BrokerOptions options, ParseBrokerOptions(file, overrides));
  if (options.cluster.secret_file.empty()) return options;
  const absl::Status secret = runtime::ReadPeerSecret(disk, options.cluster.secret_file).status();
  if (!secret.ok()) return InvalidArgument("config: cluster.secret_file: ", Message(secret));
  return options;
}

}  // namespace leat::config
