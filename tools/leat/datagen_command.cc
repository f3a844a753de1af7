#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <utility>

#include "base/status.h"
#include "tools/leat/application_events.h"
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
  PlanOptions plan;
  uint32_t sensors = 20;
  SupplyStream stream = SupplyStream::kEvents;
  std::string start = "2024-01-01T00:00:00";
  std::string out = "-";
  std::string topic;
  std::string truth;
  double send_rate = 0;
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

absl::Status ToFile(EventGenerator* generator, const std::string& path, Writer* truth) {
  LEAT_ASSIGN_OR_RETURN(Writer out, Writer::Open(path));
  while (generator->Next(out.buffer())) {
    if (truth != nullptr) *truth->buffer() += generator->TakeTruth();
    LEAT_RETURN_IF_ERROR(out.WriteIfFull());
  }
  return out.Finish();
}

absl::Status SendAll(EventGenerator* generator, Sender* sender, Writer* truth) {
  uint64_t line = 0;
  for (std::string value; generator->Next(&value); value.clear()) {
    if (Interrupted()) return Cancelled("interrupted; what was sent before stays");
    if (truth != nullptr) *truth->buffer() += generator->TakeTruth();
    value.pop_back();  // the newline
    LEAT_RETURN_IF_ERROR(sender->Send({.key = std::string(generator->key()), .value = value}, ++line));
  }
  return absl::OkStatus();
}

absl::Status ToTopic(Context* context, const DatagenOptions& options, EventGenerator* generator, Writer* truth) {
  InstallInterrupt();
  LEAT_ASSIGN_OR_RETURN(const std::unique_ptr<Sender> sender,
                        Sender::Create(context, {.topic = options.topic,
                                                 .producer = options.flags.options,
                                                 .records_per_second = options.send_rate}));
  const absl::Status made = SendAll(generator, sender.get(), truth);
  const absl::Status finished = sender->Finish();
  const SenderSummary summary = sender->summary();
  PrintSummary(*context, options.topic, summary);
  LEAT_RETURN_IF_ERROR(made);
  LEAT_RETURN_IF_ERROR(finished);
  if (summary.failed > 0) return absl::InternalError("not every record was acknowledged");
  return absl::OkStatus();
}

absl::Status Generate(Context* context, const DatagenOptions& options, EventGenerator* generator) {
  std::optional<Writer> truth;
  if (!options.truth.empty()) {
    LEAT_ASSIGN_OR_RETURN(truth, Writer::Open(options.truth));
  }
  Writer* const truth_or_null = truth ? &*truth : nullptr;
  LEAT_RETURN_IF_ERROR(options.topic.empty() ? ToFile(generator, options.out, truth_or_null)
                                             : ToTopic(context, options, generator, truth_or_null));
  return truth ? truth->Finish() : absl::OkStatus();
}

void Settle(DatagenOptions* options) {
  const absl::StatusOr<int64_t> start = ParseTimeText(options->start);
  if (!start.ok()) ThrowUsage(StrCat("--start: ", Message(start.status())));
  options->plan.start_seconds = static_cast<int64_t>(std::floor(static_cast<double>(*start) / 1000));
  options->transactions.start_seconds = options->plan.start_seconds;
  if (options->out == "-" && options->truth == "-" && options->topic.empty()) {
    ThrowUsage("--truth: - is where the events go; name a file");
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

void AddOutputs(CLI::App* command, DatagenOptions* options, const std::string& key) {
  CLI::Option* out = command->add_option("--out", options->out, "write lines to this file; - is stdout");
  out->capture_default_str();
  command->add_option("--topic", options->topic, StrCat("send them to this topic instead, keyed by ", key))
      ->excludes(out);
  command->add_option("--send-rate", options->send_rate, "with --topic: records per second; 0: as fast as it goes")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--truth", options->truth, "write a line of JSON for everything planted to this file");
}

// Of the generators that plan things (PlannedEvents). `count` says what is counted.
void AddPlan(CLI::App* command, DatagenOptions* options, const std::string& count) {
  PlanOptions& plan = options->plan;
  command->add_option("--count", plan.count, count)->required()->check(CLI::NonNegativeNumber);
  command->add_option("--seed", plan.seed, "the same seed gives the same bytes")->capture_default_str();
  command->add_option("--start", options->start, "event time of the first, UTC")->capture_default_str();
  // With a name of its own a range is left out of the help's first column.
  const CLI::Range share(0.0, 1.0, "share");
  command->add_option("--planted", plan.planted, "share of them, 0 to 1, that something is planted in")
      ->check(share)
      ->capture_default_str();
  command->add_option("--out-of-order", plan.out_of_order, "share of the events, 0 to 1, that come late")
      ->check(share)
      ->capture_default_str();
  command->add_option("--duplicates", plan.duplicates, "share of the events, 0 to 1, that come twice")
      ->check(share)
      ->capture_default_str();
  command->add_option("--max-delay", plan.max_delay_seconds, "how much later, 1 to 1000000")
      ->check(CLI::Range(1, 1'000'000, "seconds"))
      ->capture_default_str();
}

struct PlannedCommand {
  const char* name;
  const char* description;
  const char* examples;
  const char* count;
  const char* key;
  double rate = 1;
  double planted = 0.01;
  std::unique_ptr<EventGenerator> (*make)(const DatagenOptions& options);
};

// The command, for options of its own.
std::pair<CLI::App*, std::shared_ptr<DatagenOptions>> AddPlannedCommand(CLI::App* group, Context* context,
                                                                        const PlannedCommand& one) {
  CLI::App* command = AddCommand(group, {.name = one.name, .description = one.description, .examples = one.examples});
  auto options = std::make_shared<DatagenOptions>();
  options->plan.rate = one.rate;
  options->plan.planted = one.planted;
  AddPlan(command, options.get(), one.count);
  AddOutputs(command, options.get(), one.key);
  command->callback([context, options, make = one.make] {
    Settle(options.get());
    context->command = [=] { return Generate(context, *options, make(*options).get()); };
  });
  return {command, options};
}

void AddRate(CLI::App* command, DatagenOptions* options) {
  command->add_option("--rate", options->plan.rate, "how many begin in a second of event time")
      ->check(CLI::Range(1e-6, 1e9))
      ->capture_default_str();
}

void AddSensors(CLI::App* group, Context* context) {
  const auto [command, options] = AddPlannedCommand(
      group, context,
      {.name = "iot",
       .description = "Readings of sensors, one each 5 minutes, for config/jobs/iot.sql",
       .examples = "  leat datagen iot --count 20000 --seed 7 --truth truth.jsonl --out readings.jsonl\n"
                   "  leat datagen iot --count 100000 --sensors 100 --out-of-order 0.1 --topic readings\n\n"
                   "Planted: spikes (40 away from a sensor's other readings, which differ by 1 at most; behind its\n"
                   "288th) and silences (3 to 10 readings left out).",
       .count = "how many readings are due",
       .key = "sensor",
       .planted = 0.002,
       .make = [](const DatagenOptions& o) { return MakeSensorReadings(o.plan, o.sensors); }});
  command->add_option("--sensors", options->sensors, "how many")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
}

void AddWeb(CLI::App* group, Context* context) {
  const auto [command, options] = AddPlannedCommand(
      group, context,
      {.name = "web",
       .description = "A web server's access log, for config/jobs/dashboard.sql",
       .examples = "  leat datagen web --count 20000 --seed 7 --truth truth.jsonl --out access.log\n"
                   "  leat datagen web --count 100000 --out-of-order 0.5 --max-delay 30 --topic access-log\n\n"
                   "Planted: error (answers 500; there are no others) and cut (lines that end in front of the path).",
       .count = "how many requests",
       .key = "visitor",
       .rate = 5,
       .make = [](const DatagenOptions& o) { return MakeAccessLog(o.plan); }});
  AddRate(command, options.get());
}

void AddSupply(CLI::App* group, Context* context) {
  const auto [command, options] = AddPlannedCommand(
      group, context,
      {.name = "supply",
       .description = "Orders and what happens to them, for config/jobs/supply.sql",
       .examples =
           "  leat datagen supply --count 2000 --stream orders --seed 7 --out orders.jsonl\n"
           "  leat datagen supply --count 2000 --seed 7 --truth truth.jsonl --out events.jsonl\n"
           "  leat datagen supply --count 2000 --out-of-order 0.1 --max-delay 7200 --topic order-events\n\n"
           "The two streams of a seed are about the same orders. Planted: late (delivered behind the estimate),\n"
           "undelivered, and unapproved (not within 24 hours). All others are approved and delivered in time.",
       .count = "how many orders",
       .key = "order_id",
       .rate = 0.01,
       .planted = 0.05,
       .make = [](const DatagenOptions& o) { return MakeSupplyChain(o.plan, o.stream); }});
  AddRate(command, options.get());
  const std::map<std::string, SupplyStream> streams = {{"events", SupplyStream::kEvents},
                                                       {"orders", SupplyStream::kOrders}};
  command->add_option("--stream", options->stream, "which of the two; events without it")
      ->transform(CLI::CheckedTransformer(streams));
}

void AddShop(CLI::App* group, Context* context) {
  const auto [command, options] = AddPlannedCommand(
      group, context,
      {.name = "shop",
       .description = "Views, carts and purchases in a shop, for config/jobs/recommend.sql and dashboard.sql",
       .examples =
           "  leat datagen shop --count 2000 --seed 7 --truth truth.jsonl --out events.jsonl\n"
           "  leat datagen shop --count 100000 --duplicates 0.01 --topic shop-events\n\n"
           "Planted: pair (products that are only seen together, with the number of sessions that saw them). The\n"
           "truth also has every cart that was not bought, and ends with a line about all sales, without duplicates.",
       .count = "how many sessions",
       .key = "user_session",
       .rate = 0.5,
       .planted = 0.2,
       .make = [](const DatagenOptions& o) { return MakeShopEvents(o.plan); }});
  AddRate(command, options.get());
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
  AddOutputs(command, options.get(), "cc_num");
  command->callback([=] {
    Settle(options.get());
    context->command = [=] {
      TransactionGenerator generator(options->transactions);
      return Generate(context, *options, &generator);
    };
  });
  AddSensors(group, context);
  AddWeb(group, context);
  AddSupply(group, context);
  AddShop(group, context);
}

}  // namespace leat::tool
