// Where the checkout is, for tests that read golden files and committed pages.
#pragma once

#include <string>

namespace leat::test {

// Absolute, without a slash at its end. A function, not a constant in every test: a path that the compiler can see
// makes what it compiles, and what it warns of, depend on where the checkout lies.
std::string SourceDir();

}  // namespace leat::test
