#include "config/render.h"

#include "base/strings.h"
#include "config/keys.h"

namespace leat::config {
namespace {

constexpr size_t kLineWidth = 118;

// "# " lines of at most kLineWidth, broken between words.
void AppendComment(std::string* out, std::string_view indent, std::string_view text) {
  while (!text.empty()) {
    const size_t room = kLineWidth - indent.size() - 2;
    size_t length = text.size();
    if (length > room) {
      const size_t space = text.rfind(' ', room);
      length = space == std::string_view::npos ? room : space;
    }
    StrAppend(out, indent, "# ", text.substr(0, length), "\n");
    text.remove_prefix(length < text.size() && text[length] == ' ' ? length + 1 : length);
  }
}

// Text is quoted, so that YAML cannot take it for anything else.
std::string YamlValue(const Key& key, const BrokerOptions& options) {
  const std::string value = key.get(options);
  if (key.shape == Shape::kList) return StrCat("[", value, "]");
  const bool text = value.empty() || key.type == "text" || key.type == "host:port";
  return text ? StrCat("\"", value, "\"") : value;
}

std::string Allowed(const Key& key) { return key.range.empty() ? key.type : StrCat(key.type, ", ", key.range); }

}  // namespace

std::string RenderReference() {
  const BrokerOptions defaults;
  std::string out =
      "# Configuration\n\n"
      "`leatd` runs without any configuration. `--config FILE` reads YAML; `config/broker.yaml` is such a file with "
      "every\n"
      "key at its default. `--set key=value` changes one key and wins over the file. `--check-config` only checks.\n"
      "Unknown, repeated and mistyped keys are refused, with file and line. Sizes are in B, KiB, MiB, GiB or TiB,\n"
      "durations in ns, us, ms, s, m, h or d. Generated from the program: do not edit.\n";
  std::string_view group = "none yet";
  for (const Key& key : Keys()) {
    if (const std::string_view its_group = GroupOf(key.name); its_group != group) {
      group = its_group;
      StrAppend(&out, "\n## ", group.empty() ? "The broker" : group, "\n\n");
      if (!group.empty()) StrAppend(&out, GroupHelp(group), "\n\n");
      StrAppend(&out, "| Key | Default | Type and range | Meaning |\n|---|---|---|---|\n");
    }
    StrAppend(&out, "| `", key.name, "` | `", YamlValue(key, defaults), "` | ", Allowed(key), " | ", key.help, " |\n");
  }
  return out;
}

std::string RenderDefaultYaml() {
  const BrokerOptions defaults;
  std::string out =
      "# Every key of the broker with its default: leatd --config config/broker.yaml behaves as leatd alone. A key "
      "that is\n"
      "# left out has its default. Generated from the program, as docs/config.md is.\n";
  std::string_view group;
  for (const Key& key : Keys()) {
    out += "\n";
    if (const std::string_view its_group = GroupOf(key.name); its_group != group) {
      group = its_group;
      if (!group.empty()) {
        AppendComment(&out, "", GroupHelp(group));
        StrAppend(&out, group, ":\n");
      }
    }
    const std::string_view indent = group.empty() ? "" : "  ";
    AppendComment(&out, indent, StrCat(key.help, " (", Allowed(key), ")"));
    const std::string_view leaf = group.empty() ? key.name : std::string_view(key.name).substr(group.size() + 1);
    StrAppend(&out, indent, leaf, ": ", YamlValue(key, defaults), "\n");
  }
  return out;
}

}  // namespace leat::config
