// Idempotence and transactions.
#include <algorithm>

#include "admin.h"
#include "client.h"
#include "group.h"
#include "tests.h"

namespace clients {
namespace {

constexpr int kTimeoutMs = 30000;
const Settings kCommitted = {{"isolation.level", "read_committed"}};
const Settings kUncommitted = {{"isolation.level", "read_uncommitted"}};

void Ok(rd_kafka_error_t* error, const std::string& what) {
  const Error owned(error);
  if (error != nullptr) Fail(what + ": " + rd_kafka_error_name(error) + ": " + rd_kafka_error_string(error));
}

Handle MakeTransactional(const std::string& id, Deliveries* deliveries) {
  Handle producer = MakeProducer({{"transactional.id", id}, {"transaction.timeout.ms", "60000"}}, deliveries);
  Ok(rd_kafka_init_transactions(producer.get(), kTimeoutMs), "init transactions");
  return producer;
}

void Begin(const Handle& producer) { Ok(rd_kafka_begin_transaction(producer.get()), "begin"); }
void Commit(const Handle& producer) { Ok(rd_kafka_commit_transaction(producer.get(), kTimeoutMs), "commit"); }
void Abort(const Handle& producer) { Ok(rd_kafka_abort_transaction(producer.get(), kTimeoutMs), "abort"); }

void Send(const Handle& producer, const std::string& topic, const std::string& stem, int count) {
  for (const Record& record : Numbered(count, stem)) Enqueue(producer.get(), topic, record);
}

size_t CountWith(const std::vector<Record>& records, const std::string& stem) {
  size_t count = 0;
  for (const Record& record : records) count += record.value->starts_with(stem) ? 1 : 0;
  return count;
}

void Idempotent() {
  const std::string topic = Name("idempotent");
  CreateTopic(topic, 3);
  Produce(topic, Numbered(2000), {{"enable.idempotence", "true"}, {"batch.num.messages", "50"}});
  std::set<std::string> distinct;
  const std::vector<Record> found = ReadAll(topic, 3);
  for (const Record& record : found) distinct.insert(*record.value);
  Expect(found.size() == 2000 && distinct.size() == 2000, "each of 2,000 records once");
}

void CommitAndAbort() {
  const std::string topic = Name("commit-and-abort");
  CreateTopic(topic, 3);
  Deliveries deliveries;
  const Handle producer = MakeTransactional(Name("commit-and-abort"), &deliveries);
  for (int round = 0; round < 3; ++round) {
    Begin(producer);
    Send(producer, topic, "kept ", 30);
    Commit(producer);
    Begin(producer);
    Send(producer, topic, "dropped ", 20);
    Flush(producer.get());
    Abort(producer);
  }
  const std::vector<Record> committed = ReadCommitted(topic, 3);
  Expect(committed.size() == 90 && CountWith(committed, "kept ") == 90, "ninety committed records");
  const std::vector<Record> all = ReadAll(topic, 3, kUncommitted);
  Expect(all.size() == 150 && CountWith(all, "dropped ") == 60, "the aborted ones too without isolation");
}

void OpenTransactionHidesWhatFollows() {
  const std::string topic = Name("open");
  CreateTopic(topic, 1);
  Deliveries deliveries;
  const Handle producer = MakeTransactional(Name("open"), &deliveries);
  Produce(topic, Numbered(5, "before "));
  Begin(producer);
  Send(producer, topic, "open ", 5);
  Flush(producer.get());
  Produce(topic, Numbered(5, "after "));
  Expect(ReadAll(topic, 1, kCommitted).size() == 5, "only what lies before an open transaction");
  Expect(ReadAll(topic, 1, kUncommitted).size() == 15, "everything without isolation");
  Commit(producer);
  Expect(ReadCommitted(topic, 1).size() == 15, "everything after the commit");
}

// Copies `from` to `to` in transactions; every third is aborted and done again.
void CopyInTransactions(const std::string& from, const std::string& to, const std::string& group, size_t count) {
  Deliveries deliveries;
  const Handle producer = MakeTransactional(Name("copy"), &deliveries);
  size_t copied = 0;
  for (int round = 0; copied < count; ++round) {
    Expect(round < 60, "the copy to end");
    Settings settings = kCommitted;
    settings.emplace_back("group.id", group);
    settings.emplace_back("session.timeout.ms", "10000");
    Member member("copier", from, settings);
    size_t taken = 0;
    Begin(producer);
    member.PollUntil([&] { return member.values().size() >= 40 || copied + member.values().size() == count; });
    for (const std::string& value : member.values()) {
      Enqueue(producer.get(), to, {.key = value, .value = value, .headers = {}});
      ++taken;
    }
    rd_kafka_topic_partition_list_t* assigned = nullptr;
    rd_kafka_assignment(member.handle(), &assigned);
    const Partitions positions(assigned);
    rd_kafka_position(member.handle(), positions.get());
    rd_kafka_consumer_group_metadata_t* metadata = rd_kafka_consumer_group_metadata(member.handle());
    rd_kafka_error_t* error =
        rd_kafka_send_offsets_to_transaction(producer.get(), positions.get(), metadata, kTimeoutMs);
    rd_kafka_consumer_group_metadata_destroy(metadata);
    Ok(error, "send offsets to transaction");
    member.Forget();
    if (round % 3 == 1) {
      Abort(producer);
    } else {
      Commit(producer);
      copied += taken;
    }
  }
}

void ConsumeTransformProduce() {
  const std::string from = Name("copy-from");
  const std::string to = Name("copy-to");
  CreateTopic(from, 1);
  CreateTopic(to, 2);
  Produce(from, Numbered(200));
  CopyInTransactions(from, to, Name("copy"), 200);
  std::vector<std::string> found = Values(ReadCommitted(to, 2));
  std::vector<std::string> expected = Values(Numbered(200));
  std::sort(found.begin(), found.end());
  std::sort(expected.begin(), expected.end());
  Expect(found == expected, "each record copied exactly once, got " + std::to_string(found.size()));
}

void ZombieIsFenced() {
  const std::string topic = Name("zombie");
  CreateTopic(topic, 1);
  Deliveries old_deliveries;
  const Handle zombie = MakeTransactional(Name("zombie"), &old_deliveries);
  Begin(zombie);
  Send(zombie, topic, "zombie ", 5);
  Flush(zombie.get());
  Deliveries deliveries;
  const Handle successor = MakeTransactional(Name("zombie"), &deliveries);
  Begin(successor);
  Send(successor, topic, "successor ", 5);
  Commit(successor);
  const Error error(rd_kafka_commit_transaction(zombie.get(), kTimeoutMs));
  Expect(error != nullptr && rd_kafka_error_is_fatal(error.get()) != 0, "a fatal error for the zombie's commit");
  ExpectCode(RD_KAFKA_RESP_ERR__FENCED, rd_kafka_error_code(error.get()), "the zombie's commit");
  const std::vector<Record> found = ReadCommitted(topic, 1);
  Expect(found.size() == 5 && CountWith(found, "successor ") == 5, "only the successor's records");
}

}  // namespace

std::vector<Test> TransactionTests() {
  return {{"idempotent_producer", Idempotent},
          {"transactions_committed_and_aborted", CommitAndAbort},
          {"open_transaction_hides_what_follows", OpenTransactionHidesWhatFollows},
          {"consume_transform_produce", ConsumeTransformProduce},
          {"zombie_is_fenced", ZombieIsFenced}};
}

}  // namespace clients
