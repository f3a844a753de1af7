#include "admin/router.h"

namespace leat::admin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

// Finds the route and gives the body that its handler answers with, or "<status>".
std::string Ask(const Router& router, std::optional<Method> method, std::string_view target) {
  const auto found = router.Find(method, target);
  if (const auto* response = std::get_if<Response>(&found)) return std::to_string(response->status);
  const auto& match = std::get<Router::Match>(found);
  std::string body;
  (*match.handler)(match.request, Responder([&](Response response) { body = response.body; }));
  return body;
}

Handler Says(std::string text) {
  return [text = std::move(text)](const Request&, Responder respond) { respond({.body = text}); };
}

TEST(Router, FindsTheHandlerOfAPath) {
  Router router;
  router.Route(Method::kGet, "/a", Says("a"));
  router.Route(Method::kGet, "/a/b", Says("b"));
  router.Route(Method::kPost, "/a", Says("post a"));
  EXPECT_EQ(Ask(router, Method::kGet, "/a"), "a");
  EXPECT_EQ(Ask(router, Method::kGet, "/a/b"), "b");
  EXPECT_EQ(Ask(router, Method::kPost, "/a?x=1"), "post a");
  EXPECT_EQ(Ask(router, Method::kGet, "/a/"), "404");
  EXPECT_EQ(Ask(router, Method::kGet, "/"), "404");
  EXPECT_EQ(Ask(router, std::nullopt, "/nothing"), "404");
}

TEST(Router, GivesDecodedParametersAndQuery) {
  Router router;
  router.Route(Method::kGet, "/v1/topics/{topic}/partitions/{partition}", Says(""));
  const auto found = router.Find(Method::kGet, "/v1/topics/a%2Fb/partitions/7?limit=5&name=x+y%26z&flag&limit=6");
  const Request& request = std::get<Router::Match>(found).request;
  EXPECT_THAT(request.params, ElementsAre(Pair("partition", "7"), Pair("topic", "a/b")));
  EXPECT_THAT(request.query, ElementsAre(Pair("flag", ""), Pair("limit", "6"), Pair("name", "x y&z")));
  EXPECT_EQ(request.path, "/v1/topics/a%2Fb/partitions/7");
}

TEST(Router, AParameterIsNeverEmpty) {
  Router router;
  router.Route(Method::kGet, "/v1/topics/{topic}", Says("one"));
  EXPECT_EQ(Ask(router, Method::kGet, "/v1/topics/"), "404");
}

TEST(Router, FixedTextWinsOverAParameter) {
  for (const bool fixed_first : {true, false}) {
    Router router;
    if (fixed_first) router.Route(Method::kGet, "/jobs/stats", Says("stats"));
    router.Route(Method::kGet, "/jobs/{job}", Says("job"));
    if (!fixed_first) router.Route(Method::kGet, "/jobs/stats", Says("stats"));
    EXPECT_EQ(Ask(router, Method::kGet, "/jobs/stats"), "stats");
    EXPECT_EQ(Ask(router, Method::kGet, "/jobs/fraud"), "job");
  }
}

TEST(Router, SaysWhichMethodsAreAllowed) {
  Router router;
  router.Route(Method::kGet, "/a", Says(""));
  router.Route(Method::kDelete, "/a", Says(""));
  for (const std::optional<Method> method : {std::optional(Method::kPost), std::optional<Method>()}) {
    const auto found = router.Find(method, "/a");
    const auto& response = std::get<Response>(found);
    EXPECT_EQ(response.status, 405);
    EXPECT_EQ(response.headers.at("Allow"), "DELETE, GET, HEAD");
    EXPECT_THAT(response.body, HasSubstr("\"code\":\"method_not_allowed\""));
  }
}

TEST(Router, RefusesMalformedTargets) {
  Router router;
  router.Route(Method::kGet, "/{x}", Says("x"));
  for (const char* target : {"", "*", "a", "http://host/a", "host:80", "/%", "/%1", "/%zz", "/a?b=%1", "/%-1"}) {
    EXPECT_EQ(Ask(router, Method::kGet, target), "400") << target;
  }
}

TEST(RouterDeathTest, RefusesTwoRoutesOfOneShape) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Router router;
  router.Route(Method::kGet, "/jobs/{job}", Says(""));
  EXPECT_DEATH(router.Route(Method::kGet, "/jobs/{name}", Says("")), "two routes for GET /jobs/");
}

TEST(ErrorResponse, EscapesItsMessage) {
  EXPECT_EQ(ErrorResponse(400, "bad", "a \"quoted\"\nline").body,
            "{\"error\":{\"code\":\"bad\",\"message\":\"a \\\"quoted\\\"\\nline\"}}\n");
}

TEST(Responder, AnswersWhenItIsForgotten) {
  int status = 0;
  {
    const Responder respond([&](const Response& response) { status = response.status; });
  }
  EXPECT_EQ(status, 500);
}

TEST(Responder, AnswersOnce) {
  int answers = 0;
  {
    Responder respond([&](const Response&) { ++answers; });
    respond({.status = 200});
  }
  EXPECT_EQ(answers, 1);
}

}  // namespace
}  // namespace leat::admin
