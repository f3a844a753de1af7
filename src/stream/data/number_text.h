// DOUBLE and FLOAT as the shortest text that reads back as the same number, in Java's form: 1.0, 0.001, 1.0E10, NaN.
// Pure; any thread.
#pragma once

#include <string>

namespace leat::data {

void AppendJavaDouble(double value, std::string* out);
void AppendJavaFloat(float value, std::string* out);

}  // namespace leat::data
