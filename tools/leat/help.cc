#include "tools/leat/help.h"

#include <functional>

#include "base/status.h"
#include "tools/leat/commands.h"

namespace leat::tool {

namespace {

std::vector<const CLI::App*> VisibleCommands(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* command) { return !command->get_group().empty(); });
}

// Every command with the words that lead to it, "" for the tool itself.
void Visit(const CLI::App& app, const std::string& path,
           const std::function<void(const CLI::App&, const std::string&)>& visit) {
  visit(app, path);
  for (const CLI::App* command : VisibleCommands(app)) {
    Visit(*command, path.empty() ? command->get_name() : StrCat(path, " ", command->get_name()), visit);
  }
}

// The words that may come next: commands and long options, the tool's own among them.
std::string Words(const CLI::App& app, const CLI::App& root) {
  std::string words;
  for (const CLI::App* command : VisibleCommands(app)) StrAppend(&words, " ", command->get_name());
  for (const CLI::App* level : {&app, &root}) {
    for (const CLI::Option* option : level->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        const std::string word = StrCat(" --", name);
        if ((words + " ").find(word + " ") == std::string::npos) words += word;
      }
    }
    if (&app == &root) break;
  }
  return words.empty() ? words : words.substr(1);
}

std::string BashScript(const CLI::App& app) {
  std::string script =
      "# Completion of leat for bash: source <(leat completion bash)\n"
      "_leat() {\n"
      "  local word path= words candidate\n"
      "  for word in \"${COMP_WORDS[@]:1:$((COMP_CWORD - 1))}\"; do\n"
      "    candidate=\"${path:+$path }$word\"\n"
      "    case \"$candidate\" in\n";
  std::string known;
  std::string answers;
  Visit(app, "", [&](const CLI::App& command, const std::string& path) {
    if (!path.empty()) StrAppend(&known, known.empty() ? "" : " | ", "'", path, "'");
    StrAppend(&answers, "    '", path, "') words='", Words(command, app), "' ;;\n");
  });
  StrAppend(&script, "      ", known, ") path=$candidate ;;\n    esac\n  done\n  case \"$path\" in\n", answers,
            "  esac\n"
            "  COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
            "}\n"
            "complete -o default -F _leat leat\n");
  return script;
}

std::string FishScript(const CLI::App& app) {
  std::string script = "# Completion of leat for fish: leat completion fish | source\n";
  Visit(app, "", [&](const CLI::App& command, const std::string& path) {
    std::string condition = "__fish_use_subcommand";
    if (!path.empty()) {
      condition.clear();
      for (size_t at = 0; at <= path.size();) {
        const size_t end = std::min(path.find(' ', at), path.size());
        StrAppend(&condition, condition.empty() ? "" : "; and ", "__fish_seen_subcommand_from ",
                  path.substr(at, end - at));
        at = end + 1;
      }
    }
    for (const CLI::App* next : VisibleCommands(command)) {
      StrAppend(&script, "complete -c leat -n '", condition, "' -a ", next->get_name(), "\n");
    }
    for (const CLI::Option* option : command.get_options()) {
      for (const std::string& name : option->get_lnames()) {
        StrAppend(&script, "complete -c leat -n '", path.empty() ? "true" : condition, "' -l ", name, "\n");
      }
    }
  });
  return script;
}

}  // namespace

std::string CommandPath(const CLI::App& app) {
  std::string path = app.get_name();
  for (const CLI::App* level = &app; !level->get_subcommands().empty();) {
    level = level->get_subcommands().back();
    StrAppend(&path, " ", level->get_name());
  }
  return path;
}

std::string ReferenceMarkdown(const CLI::App& app) {
  std::string text =
      "# The leat tool\n\n"
      "This page is the tool's own help, command by command (`leat COMMAND --help`). It is made by `leat reference`, "
      "and a test\n"
      "compares the two.\n";
  Visit(app, "", [&](const CLI::App& command, const std::string& path) {
    const std::string name = path.empty() ? "leat" : StrCat("leat ", path);
    // Not command.help(): with a command named on the line it answers for that one.
    std::string help = command.get_formatter()->make_help(&command, name, CLI::AppFormatMode::Normal);
    help.erase(help.find_last_not_of(" \n") + 1);
    StrAppend(&text, "\n## ", name, "\n\n```text\n", help, "\n```\n");
  });
  return text;
}

std::string CompletionScript(const CLI::App& app, const std::string& shell) {
  if (shell == "fish") return FishScript(app);
  if (shell == "bash") return BashScript(app);
  // zsh runs bash's completion functions. From a folder of $fpath, the first line names the command, and the script is
  // the body of a function _leat that replaces itself and then has to answer what it was called for.
  return StrCat(
      "#compdef leat\n"
      "# Completion of leat for zsh: source <(leat completion zsh)\n"
      "autoload -U +X bashcompinit && bashcompinit\n",
      BashScript(app), "if [ \"${funcstack[1]}\" = _leat ]; then _bash_complete -o default -F _leat; fi\n");
}

void AddCompletionCommand(CLI::App* app, Context* context) {
  CLI::App* command = AddCommand(app, {.name = "completion",
                                       .description = "Print a script that completes commands and options in a shell",
                                       .examples = "  source <(leat completion bash)\n"
                                                   "  leat completion fish > ~/.config/fish/completions/leat.fish"});
  auto shell = std::make_shared<std::string>();
  command->add_option("shell", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->callback([=] {
    context->command = [=] {
      Print(CompletionScript(*app, *shell));
      return absl::OkStatus();
    };
  });
}

void AddReferenceCommand(CLI::App* app, Context* context) {
  CLI::App* command = app->add_subcommand("reference", "Print docs/cli.md");
  command->group("");
  command->callback([=] {
    context->command = [=] {
      Print(ReferenceMarkdown(*app));
      return absl::OkStatus();
    };
  });
}

}  // namespace leat::tool
