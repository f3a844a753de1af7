#include "admin/http.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace leat::admin {

std::string_view MethodName(Method method) {
  switch (method) {
    case Method::kGet:
      return "GET";
    case Method::kPost:
      return "POST";
    case Method::kPut:
      return "PUT";
    case Method::kDelete:
      return "DELETE";
  }
  return "GET";
}

Response ErrorResponse(int status, std::string_view code, std::string_view message) {
  boost::json::object error;
  error["code"] = boost::json::string_view(code.data(), code.size());
  error["message"] = boost::json::string_view(message.data(), message.size());
  boost::json::object body;
  body["error"] = std::move(error);
  return {.status = status, .body = boost::json::serialize(body) + "\n"};
}

Responder::~Responder() {
  if (send_) send_(ErrorResponse(500, "no_answer", "the request was given up without an answer; the log says why"));
}

}  // namespace leat::admin
