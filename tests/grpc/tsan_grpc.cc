// Tells ThreadSanitizer what happens before what inside Debian's gRPC, which is not instrumented: what a thread did
// before it started an operation, before the callback of that operation; and what it did before it came back for the
// next event, before the end of a call. Preloaded into the tests that use gRPC (cmake/tsan.cmake); the preset tsan
// only.
//
// The names below take the place of gRPC's own, which are called through them. Made for gRPC 1.51: the last one is not
// part of its interface.
#include <dlfcn.h>
#include <grpc/grpc.h>

#include <memory>

extern "C" {
// Weak, because programs that ThreadSanitizer starts, such as the symbolizer, are preloaded too.
__attribute__((weak)) void __tsan_acquire(void* address);
__attribute__((weak)) void __tsan_release(void* address);
}

namespace {

// Addresses to meet at.
char ended;    // every thread that came back for an event or let a call go, and who ends a call
char started;  // who starts a server, whose services are made by then, and who begins to serve a call

void Release(void* address) {
  if (__tsan_release != nullptr && address != nullptr) __tsan_release(address);
}
void Acquire(void* address) {
  if (__tsan_acquire != nullptr && address != nullptr) __tsan_acquire(address);
}

template <typename Function>
Function* Next(Function*, const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}
#define LEAT_NEXT(function) Next(&function, #function)

// The beginning of gRPC's grpc_closure.
struct Closure {
  void* next;
  void (*call)(void* argument, void* error);
  void* argument;
};
struct Scheduled {
  Closure* closure;
  void (*call)(void* argument, void* error);
  void* argument;
};

void RunScheduled(void* argument, void* error) {
  Acquire(argument);
  Acquire(&ended);
  const Scheduled scheduled = *std::unique_ptr<Scheduled>(static_cast<Scheduled*>(argument));
  scheduled.closure->call = scheduled.call;
  scheduled.closure->argument = scheduled.argument;
  scheduled.call(scheduled.argument, error);
  Release(&ended);  // a cancellation is told this way too, and comes before the end
}

}  // namespace

extern "C" {

grpc_call_error grpc_call_start_batch(grpc_call* call, const grpc_op* ops, size_t count, void* tag, void* reserved) {
  static auto* const next = LEAT_NEXT(grpc_call_start_batch);
  Release(&ended);
  Release(tag);
  return next(call, ops, count, tag, reserved);
}

grpc_call_error grpc_server_request_call(grpc_server* server, grpc_call** call, grpc_call_details* details,
                                         grpc_metadata_array* metadata, grpc_completion_queue* bound,
                                         grpc_completion_queue* notified, void* tag) {
  static auto* const next = LEAT_NEXT(grpc_server_request_call);
  Release(tag);
  return next(server, call, details, metadata, bound, notified, tag);
}

grpc_call_error grpc_server_request_registered_call(grpc_server* server, void* method, grpc_call** call,
                                                    gpr_timespec* deadline, grpc_metadata_array* metadata,
                                                    grpc_byte_buffer** payload, grpc_completion_queue* bound,
                                                    grpc_completion_queue* notified, void* tag) {
  static auto* const next = LEAT_NEXT(grpc_server_request_registered_call);
  Release(tag);
  return next(server, method, call, deadline, metadata, payload, bound, notified, tag);
}

void grpc_server_start(grpc_server* server) {
  static auto* const next = LEAT_NEXT(grpc_server_start);
  Release(&started);
  next(server);
}

// The first that happens to a call that is served, in a thread that may be older than the server.
void grpc_call_ref(grpc_call* call) {
  static auto* const next = LEAT_NEXT(grpc_call_ref);
  Acquire(&started);
  next(call);
}

// The last that happens to it.
void grpc_call_unref(grpc_call* call) {
  static auto* const next = LEAT_NEXT(grpc_call_unref);
  Release(&ended);
  next(call);
}

grpc_event grpc_completion_queue_next(grpc_completion_queue* queue, gpr_timespec deadline, void* reserved) {
  static auto* const next = LEAT_NEXT(grpc_completion_queue_next);
  Release(&ended);
  const grpc_event event = next(queue, deadline, reserved);
  if (event.type == GRPC_OP_COMPLETE) Acquire(event.tag);
  return event;
}

grpc_event grpc_completion_queue_pluck(grpc_completion_queue* queue, void* tag, gpr_timespec deadline, void* reserved) {
  static auto* const next = LEAT_NEXT(grpc_completion_queue_pluck);
  const grpc_event event = next(queue, tag, deadline, reserved);
  if (event.type == GRPC_OP_COMPLETE) Acquire(event.tag);
  return event;
}

void grpc_server_destroy(grpc_server* server) {
  static auto* const next = LEAT_NEXT(grpc_server_destroy);
  Acquire(&ended);
  next(server);
}

// grpc_core::Executor::Run(grpc_closure*, absl::Status, ExecutorType, ExecutorJobType): the ends of calls come this
// way.
#define LEAT_EXECUTOR_RUN \
  _ZN9grpc_core8Executor3RunEP12grpc_closureN4absl7debian36StatusENS_12ExecutorTypeENS_15ExecutorJobTypeE
#define LEAT_TEXT_OF(name) #name
#define LEAT_NAME_OF(macro) LEAT_TEXT_OF(macro)
void LEAT_EXECUTOR_RUN(Closure* closure, void* error, int type, int job) {
  static auto* const next = Next(&LEAT_EXECUTOR_RUN, LEAT_NAME_OF(LEAT_EXECUTOR_RUN));
  auto box = std::make_unique<Scheduled>(closure, closure->call, closure->argument);
  closure->call = &RunScheduled;
  closure->argument = box.release();
  Release(closure->argument);
  next(closure, error, type, job);
}

}  // extern "C"
