#include "group.h"

#include <utility>

namespace clients {

Member::Member(std::string name, const std::string& topic, const Settings& settings) : name_(std::move(name)) {
  Settings all = {{"session.timeout.ms", "6000"}, {"heartbeat.interval.ms", "200"}, {"client.id", name_}};
  all.insert(all.end(), settings.begin(), settings.end());
  consumer_ = MakeConsumer(all);
  const Partitions topics(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(topics.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
  ExpectCode(RD_KAFKA_RESP_ERR_NO_ERROR, rd_kafka_subscribe(consumer_.get(), topics.get()), "subscribe");
}

bool Member::PollOnce(int timeout_ms) {
  const Message message = Poll(consumer_.get(), timeout_ms);
  if (message == nullptr || message->err != RD_KAFKA_RESP_ERR_NO_ERROR) return false;
  values_.insert(ToRecord(*message).value.value_or("(null)"));
  uncommitted_ = true;
  return true;
}

void Member::PollUntil(const std::function<bool()>& done) {
  for (int quiet = 0; !done();) {
    if (!PollOnce(50) && ++quiet > 600) Fail("member " + name_ + ": what the test waits for did not come in 30 s");
  }
}

void Member::Commit() {
  if (!uncommitted_) return;
  const rd_kafka_resp_err_t code = rd_kafka_commit(consumer_.get(), nullptr, 0);
  // While the group rebalances, a commit is refused and the new owner reads those records again.
  if (code == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS || code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION ||
      code == RD_KAFKA_RESP_ERR__NO_OFFSET || code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID) {
    return;
  }
  ExpectCode(RD_KAFKA_RESP_ERR_NO_ERROR, code, "commit");
  uncommitted_ = false;
}

void Member::Close() {
  if (consumer_ == nullptr) return;
  if (uncommitted_) rd_kafka_commit(consumer_.get(), nullptr, 0);
  rd_kafka_unsubscribe(consumer_.get());
  rd_kafka_consumer_close(consumer_.get());
  consumer_.reset();
}

int Member::assigned() const {
  rd_kafka_topic_partition_list_t* list = nullptr;
  if (rd_kafka_assignment(consumer_.get(), &list) != RD_KAFKA_RESP_ERR_NO_ERROR) return 0;
  const Partitions owned(list);
  return owned->cnt;
}

}  // namespace clients
