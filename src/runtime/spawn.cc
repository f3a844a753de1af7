#include "runtime/spawn.h"

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <utility>

#include "base/logging.h"

namespace leat::runtime {

bool Spawn(const boost::asio::any_io_executor& executor, env::Gate& gate, std::string name,
           boost::asio::awaitable<void> body) {
  env::Gate::Hold hold = gate.TryEnter();
  if (!hold) return false;
  boost::asio::co_spawn(executor, std::move(body),
                        [name = std::move(name), hold = std::move(hold)](const std::exception_ptr& escaped) {
                          if (!escaped) return;
                          try {
                            std::rethrow_exception(escaped);
                          } catch (const std::exception& e) {
                            LogError("runtime", "coroutine ", name, " ended by an exception: ", e.what());
                          } catch (...) {
                            LogError("runtime", "coroutine ", name, " ended by an exception of unknown type");
                          }
                        });
  return true;
}

}  // namespace leat::runtime
