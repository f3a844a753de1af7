// Calls by name with raw bytes: for services whose generated code is not ours (reflection, health), and for methods and
// messages that do not exist. Header only.
#pragma once

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

namespace leat::rpc {

struct RawAnswer {
  ::grpc::Status status;
  std::string message;  // the first; empty: none came
};

// One request message, the answer's first message, and the end of the call. Blocks.
inline RawAnswer CallRaw(const std::shared_ptr<::grpc::Channel>& channel, const std::string& method,
                         const std::string& request) {
  ::grpc::GenericStub stub(channel);
  ::grpc::ClientContext context;
  ::grpc::CompletionQueue queue;
  const auto next = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  const auto call = stub.PrepareCall(&context, method, &queue);
  RawAnswer answer;
  call->StartCall(nullptr);
  if (next()) {
    const ::grpc::Slice slice(request);
    call->WriteLast(::grpc::ByteBuffer(&slice, 1), {}, nullptr);
    next();
    ::grpc::ByteBuffer message;
    call->Read(&message, nullptr);
    if (next()) {
      std::vector<::grpc::Slice> slices;
      if (message.Dump(&slices).ok()) {
        for (const ::grpc::Slice& each : slices) answer.message.append(each.begin(), each.end());
      }
    }
  }
  call->Finish(&answer.status, nullptr);
  next();
  queue.Shutdown();
  while (next()) {
  }
  return answer;
}

}  // namespace leat::rpc
