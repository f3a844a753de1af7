// The one way to start a coroutine. A detached Asio coroutine loses its exceptions and nobody knows when it has ended;
// one started here holds a Gate until it ends, and an exception that escapes from it is logged and ends it alone.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <string>

#include "env/gate.h"

namespace leat::runtime {

// Starts `body` on the executor, whose one thread is the calling thread's shard: the gate is entered here and left
// there. False once the gate is closing: the body is destroyed without having begun. `name` is for the log. `body` must
// be a call of a function whose arguments the coroutine owns, never of a capturing lambda: the lambda would die before
// the coroutine does.
bool Spawn(const boost::asio::any_io_executor& executor, env::Gate& gate, std::string name,
           boost::asio::awaitable<void> body);

}  // namespace leat::runtime
