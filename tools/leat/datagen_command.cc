#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "base/status.h"
#include "tools/leat/commands.h"
#include "tools/leat/producer_flags.h"
#include "tools/leat/sender.h"
#include "tools/leat/time_text.h"
#include "tools/leat/transactions.h"

namespace leat::tool {

namespace {

constexpr size_t kWriteBytes = 256 << 10;

struct DatagenOptions {
  TransactionOptions transactions;
  std::string start = "2024-01-01T00:00:00";
  std::string out = "-";
  std::string topic;
  std::string truth;
  ProducerFlags flags;
};

struct CloseFile {
  void operator()(std::FILE* file) const {
    if (file != stdout) std::fclose(file);
  }
};

// A file that is written through a buffer; every error comes out at Finish at the latest.
class Writer {
 public:
  static absl::StatusOr<Writer> Open(const std::string& path) {
    std::FILE* file = path == "-" ? stdout : std::fopen(path.c_str(), "wb");
    if (file == nullptr) return InvalidArgument("cannot write ", path, ": ", std::strerror(errno));
    return Writer(path, file);
  }
  std::string* buffer() { return &buffer_; }
  absl::Status WriteIfFull() { return buffer_.size() >= kWriteBytes ? Write() : absl::OkStatus(); }
  absl::Status Finish() {
    LEAT_RETURN_IF_ERROR(Write());
    return std::fflush(file_.get()) == 0 ? absl::OkStatus() : Failed();
  }

 private:
  Writer(std::string path, std::FILE* file) : path_(std::move(path)), file_(file) {}
  absl::Status Failed() const { return DataLoss("cannot write ", path_, ": ", std::strerror(errno)); }
  absl::Status Write() {
    const bool written = std::fwrite(buffer_.data(), 1, buffer_.size(), file_.get()) == buffer_.size();
    buffer_.clear();
    return written ? absl::OkStatus() : Failed();
  }

  std::string path_;
  std::unique_ptr<std::FILE, CloseFile> file_;
  std::string buffer_;
};

absl::Status ToFile(TransactionGenerator* generator, const std::string& path, Writer* truth) {
  LEAT_ASSIGN_OR_RETURN(Writer out, Writer::Open(path));
  while (generator->Next(out.buffer())) {
    if (truth != nullptr) *truth->buffer() += generator->TakeTruth();
    LEAT_RETURN_IF_ERROR(out.WriteIfFull());
  }
  return out.Finish();
}

absl::Status SendAll(TransactionGenerator* generator, Sender* sender, Writer* truth) {
  uint64_t line = 0;
  for (std::string value; generator->Next(&value); value.clear()) {
    if (Interrupted()) return Cancelled("interrupted; what was sent before stays");
    if (truth != nullptr) *truth->buffer() += generator->TakeTruth();
    value.pop_back();  // the newline
    LEAT_RETURN_IF_ERROR(sender->Send({.key = std::string(generator->card()), .value = value}, ++line));
  }
  return absl::OkStatus();
}

absl::Status ToTopic(Context* context, const DatagenOptions& options, TransactionGenerator* generator, Writer* truth) {
  InstallInterrupt();
  LEAT_ASSIGN_OR_RETURN(const std::unique_ptr<Sender> sender,
                        Sender::Create(context, {.topic = options.topic, .producer = options.flags.options}));
  const absl::Status made = SendAll(generator, sender.get(), truth);
  const absl::Status finished = sender->Finish();
  const SenderSummary summary = sender->summary();
  PrintSummary(*context, options.topic, summary);
  LEAT_RETURN_IF_ERROR(made);
  LEAT_RETURN_IF_ERROR(finished);
  if (summary.failed > 0) return absl::InternalError("not every record was acknowledged");
  return absl::OkStatus();
}

absl::Status Transactions(Context* context, const DatagenOptions& options) {
  std::optional<Writer> truth;
  if (!options.truth.empty()) {
    LEAT_ASSIGN_OR_RETURN(truth, Writer::Open(options.truth));
  }
  Writer* const truth_or_null = truth ? &*truth : nullptr;
  TransactionGenerator generator(options.transactions);
  LEAT_RETURN_IF_ERROR(options.topic.empty() ? ToFile(&generator, options.out, truth_or_null)
                                             : ToTopic(context, options, &generator, truth_or_null));
  return truth ? truth->Finish() : absl::OkStatus();
}

void Settle(DatagenOptions* options) {
  const absl::StatusOr<int64_t> start = ParseTimeText(options->start);
  if (!start.ok()) ThrowUsage(StrCat("--start: ", Message(start.status())));
  options->transactions.start_seconds = static_cast<int64_t>(std::floor(static_cast<double>(*start) / 1000));
  if (options->out == "-" && options->truth == "-" && options->topic.empty()) {
    ThrowUsage("--truth: - is where the transactions go; name a file");
  }
  SettleProducerFlags(&options->flags);
}

void AddShape(CLI::App* command, DatagenOptions* options) {
  TransactionOptions& shape = options->transactions;
  command->add_option("--count", shape.count, "how many transactions")->required()->check(CLI::NonNegativeNumber);
  command->add_option("--seed", shape.seed, "the same seed gives the same bytes")->capture_default_str();
  command->add_option("--cards", shape.cards, "how many cards")->check(CLI::Range(1, 100000000))->capture_default_str();
  command->add_option("--start", options->start, "event time of the first, UTC")->capture_default_str();
  command->add_option("--rate", shape.rate, "events per second of event time")
      ->check(CLI::Range(1e-6, 1e9))
      ->capture_default_str();
  command->add_option("--fraud-share", shape.fraud_share, "share of the transactions that belong to planted fraud")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
}

}  // namespace

void AddDatagenCommands(CLI::App* app, Context* context) {
  CLI::App* group = AddGroup(app, {.name = "datagen",
                                   .description = "Make data to try things with",
                                   .examples = "  leat datagen transactions --count 1000 --seed 1"});
  CLI::App* command = AddCommand(
      group,
      {.name = "transactions",
       .description = "Card transactions with planted fraud, in event-time order",
       .examples =
           "  leat datagen transactions --count 100000 --seed 7 --truth truth.jsonl --out transactions.jsonl\n"
           "  leat datagen transactions --count 1000000 --seed 7 --topic transactions\n\n"
           "Planted: velocity (three to five transactions of a card within 5 minutes), large-amount (700 dollars\n"
           "and more), blocked-category (gambling, cryptocurrency, travel). Everything else is below 250 dollars\n"
           "and in no blocked category; but many events a second on few cards are velocity by themselves."});
  auto options = std::make_shared<DatagenOptions>();
  AddShape(command, options.get());
  CLI::Option* out = command->add_option("--out", options->out, "write JSON lines to this file; - is stdout");
  out->capture_default_str();
  command->add_option("--topic", options->topic, "send them to this topic instead, keyed by cc_num")->excludes(out);
  command->add_option("--truth", options->truth, "write a line of JSON for every planted fraud to this file");
  command->callback([=] {
    Settle(options.get());
    context->command = [=] { return Transactions(context, *options); };
  });
}

}  // namespace leat::tool
