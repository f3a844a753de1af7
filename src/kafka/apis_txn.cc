// What is served of idempotence and transactions: one line an API, with its versions.
#include "kafka/features.h"
#include "kafka/handlers.h"
#include "kafka/serve.h"
#include "wire/messages/add_offsets_to_txn.h"
#include "wire/messages/add_partitions_to_txn.h"
#include "wire/messages/describe_producers.h"
#include "wire/messages/describe_transactions.h"
#include "wire/messages/end_txn.h"
#include "wire/messages/init_producer_id.h"
#include "wire/messages/list_transactions.h"
#include "wire/messages/txn_offset_commit.h"
#include "wire/messages/write_txn_markers.h"

namespace leat::kafka {

std::vector<Api> TxnApis() {
  const bool rising = HonoursTransactionVersion2();
  return {
      Serve<&HandleInitProducerId>(0, 5),    Serve<&HandleAddPartitionsToTxn>(0, 5),
      Serve<&HandleAddOffsetsToTxn>(0, 4),   Serve<&HandleEndTxn>(0, rising ? 5 : 4),
      Serve<&HandleWriteTxnMarkers>(1, 2),   Serve<&HandleTxnOffsetCommit>(0, rising ? 5 : 4),
      Serve<&HandleDescribeProducers>(0, 0), Serve<&HandleDescribeTransactions>(0, 0),
      Serve<&HandleListTransactions>(0, 2),
  };
}

}  // namespace leat::kafka
