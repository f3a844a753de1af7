#include <unistd.h>

#include <cstdio>

#include "base/status.h"
#include "tools/leat/commands.h"
#include "tools/leat/input.h"
#include "tools/leat/line_source.h"
#include "tools/leat/producer_flags.h"
#include "tools/leat/sender.h"

namespace leat::tool {

namespace {

constexpr uint64_t kMostSkippedShown = 10;

struct ProduceOptions {
  std::string topic;
  std::string file = "-";
  std::string input_format;
  InputOptions input;
  std::string null_value;
  std::vector<std::string> headers;
  client::Headers parsed_headers;
  ProducerFlags flags;
  std::optional<int32_t> partition;
  bool skip_bad = false;
};

class Run {
 public:
  Run(const ProduceOptions& options, LineSource source, Sender* sender)
      : options_(options), source_(std::move(source)), reader_(options.input), sender_(sender) {}

  // Sends all there is. The first error: of a line, unless bad lines are skipped, or of a record.
  absl::Status SendAll() {
    for (;;) {
      LEAT_ASSIGN_OR_RETURN(const std::optional<std::string_view> line, source_.Next(InputReader::kMaxLineBytes));
      if (Interrupted()) return Cancelled("interrupted; what was sent before stays");
      if (!line) break;
      reader_.Feed(*line);
      LEAT_RETURN_IF_ERROR(SendReady());
    }
    reader_.Finish();
    return SendReady();
  }
  uint64_t skipped() const { return skipped_; }
  const std::string& source_name() const { return source_.name(); }

 private:
  absl::Status SendReady() {
    while (std::optional<absl::StatusOr<InputRecord>> record = reader_.Next()) {
      if (!record->ok()) {
        LEAT_RETURN_IF_ERROR(OnBadLine(record->status()));
        continue;
      }
      client::Record out{.key = std::move((*record)->key),
                         .value = std::move((*record)->value),
                         .headers = options_.parsed_headers,
                         .partition = options_.partition};
      LEAT_RETURN_IF_ERROR(Annotate(sender_->Send(std::move(out), (*record)->line), source_.name()));
    }
    return absl::OkStatus();
  }

  absl::Status OnBadLine(const absl::Status& bad) {
    const std::string text = StrCat(source_.name(), ":", Message(bad));
    if (!options_.skip_bad || !absl::IsInvalidArgument(bad)) {
      return absl::Status(bad.code(), ToAbsl(text + (absl::IsInvalidArgument(bad) ? "; --skip-bad goes on" : "")));
    }
    if (++skipped_ <= kMostSkippedShown) std::fprintf(stderr, "leat: skipped %s\n", text.c_str());
    if (skipped_ == kMostSkippedShown) std::fputs("leat: further bad lines are only counted\n", stderr);
    return absl::OkStatus();
  }

  const ProduceOptions& options_;
  LineSource source_;
  InputReader reader_;
  Sender* sender_;
  uint64_t skipped_ = 0;
};

absl::Status Produce(Context* context, const ProduceOptions& options) {
  LEAT_ASSIGN_OR_RETURN(LineSource source, LineSource::Open(options.file));
  if (options.file == "-" && isatty(STDIN_FILENO) != 0) {
    std::fputs("leat: reading lines from the terminal, each a record; Ctrl-D ends\n", stderr);
  }
  InstallInterrupt();
  LEAT_ASSIGN_OR_RETURN(const std::unique_ptr<Sender> sender,
                        Sender::Create(context, {.topic = options.topic,
                                                 .producer = options.flags.options,
                                                 .records_per_second = options.flags.records_per_second}));
  Run run(options, std::move(source), sender.get());
  const absl::Status read = run.SendAll();
  const absl::Status finished = sender->Finish();
  SenderSummary summary = sender->summary();
  summary.skipped = run.skipped();
  PrintSummary(*context, options.topic, summary);
  LEAT_RETURN_IF_ERROR(read);
  LEAT_RETURN_IF_ERROR(Annotate(finished, run.source_name()));
  if (summary.failed > 0) return absl::InternalError("not every record was acknowledged");
  return absl::OkStatus();
}

// What can only be judged with all options known. Ends the tool if something does not fit.
void Settle(ProduceOptions* options, const CLI::Option& null_value) {
  const std::string& format = options->input_format;
  options->input.format = format == "csv"    ? InputFormat::kCsv
                          : format == "json" ? InputFormat::kJson
                          : format == "text" ? InputFormat::kText
                                             : FormatOfFile(options->file);
  const bool text = options->input.format == InputFormat::kText;
  if (text && !options->input.key_field.empty()) {
    ThrowUsage("--key names a field of JSON or CSV; for text, --key-separator says where the key ends");
  }
  if (!text && !options->input.key_separator.empty())
    ThrowUsage("--key-separator is for text; JSON and CSV have --key");
  if (!text && !null_value.empty()) ThrowUsage("--null-value is for text: a line of JSON or CSV is always a value");
  if (options->input.infer_types && options->input.format != InputFormat::kCsv) ThrowUsage("--infer-types is for CSV");
  if (!null_value.empty()) options->input.null_value = options->null_value;
  for (const std::string& header : options->headers)
    options->parsed_headers.push_back(SplitAssignment("--header", header));
}

void AddInputOptions(CLI::App* command, ProduceOptions* options) {
  command->add_option("--file", options->file, "read this file; - is stdin")->capture_default_str();
  command
      ->add_option("--input-format", options->input_format,
                   "text: a line is a value; json: a line is a JSON document; csv: a row becomes\n"
                   "a JSON object with the names of the header row. Without it the file's name\n"
                   "decides: .csv, .json .jsonl .ndjson, else text")
      ->check(CLI::IsMember({"text", "json", "csv"}));
  command->add_option("--key", options->input.key_field, "the field of JSON or CSV that is the record's key");
  command->add_option("--key-separator", options->input.key_separator, "text: what stands between key and value");
  command->add_flag("--infer-types", options->input.infer_types, "CSV: numbers and booleans, not only strings");
  command->add_flag("--skip-bad", options->skip_bad, "count lines that cannot be read, and go on");
}

}  // namespace

void AddProduceCommand(CLI::App* app, Context* context) {
  CLI::App* command = AddCommand(app, {.name = "produce",
                                       .description = "Send records from stdin or a file to a topic",
                                       .examples = "  echo hello | leat produce greetings\n"
                                                   "  leat produce clicks --file clicks.csv --key user --infer-types\n"
                                                   "  leat produce clicks --file clicks.jsonl --key user --rate 1000\n"
                                                   "  printf 'a:1\\nb:-\\n' | leat produce kv --key-separator : "
                                                   "--null-value -"});
  auto options = std::make_shared<ProduceOptions>();
  command->add_option("topic", options->topic, "the topic")->required();
  AddInputOptions(command, options.get());
  const CLI::Option* null_value =
      command->add_option("--null-value", options->null_value, "text: a value equal to this is sent as a tombstone");
  AddRepeated(command, "--header", &options->headers, "NAME=VALUE on every record; may be repeated");
  command->add_option("--partition", options->partition, "send all records to this partition")
      ->check(CLI::NonNegativeNumber);
  AddProducerFlags(command, &options->flags);
  command->callback([=] {
    Settle(options.get(), *null_value);
    SettleProducerFlags(&options->flags);
    context->command = [=] { return Produce(context, *options); };
  });
}

}  // namespace leat::tool
