// A broker and a producer's stream to it. For the sources of the sender, whose thread owns it.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "client/producer_sender.h"
#include "leat/v1/log.grpc.pb.h"

namespace leat::client {

inline constexpr absl::Duration kFirstReopenPause = absl::Milliseconds(20);

struct Sender::Stream {
  ChannelPtr channel;
  std::unique_ptr<v1::Log::Stub> stub;
  ::grpc::ClientContext context;
  std::unique_ptr<::grpc::ClientAsyncReaderWriter<v1::ProduceRequest, v1::ProduceResponse>> rpc;
  v1::ProduceRequest request;
  v1::ProduceResponse response;
  ::grpc::Status status;
  bool started = false;
  bool reading = false;
  bool writing = false;
  bool broken = false;  // nothing more will be sent or come
  bool cancelled = false;
  bool finishing = false;
  Instant cancel_after;  // while stopping: how long the broker may take to end it
};

struct Sender::Link {
  explicit Link(std::string of) : address(std::move(of)) {}

  void Read() {
    stream->reading = true;
    stream->rpc->Read(&stream->response, &read);
  }

  const std::string address;       // empty: any broker
  std::unique_ptr<Stream> stream;  // null: none is open
  std::deque<Request> in_flight;
  bool wanted = false;  // something waits for it
  Instant reopen_at;
  absl::Duration reopen_pause = kFirstReopenPause;
  Event start{kStart, this}, read{kRead, this}, write{kWrite, this}, finish{kFinish, this},
      writes_done{kWritesDone, this};
};

}  // namespace leat::client
