// Text functions that look things up or change the writing of text: LOCATE, ELT, TRANSLATE, HEX, URL_ENCODE ..
#include <absl/strings/escaping.h>

#include <algorithm>

#include "base/strings.h"
#include "stream/exec/node.h"
#include "stream/exec/utf8.h"

namespace leat::exec {
namespace {

using plan::FunctionId;
using Text = std::string_view;

// The place of `what`, from the code point `from` on; 0 if it is not there.
int32_t Locate(Text what, Text in, int32_t from) {
  if (from < 1) return 0;
  const Text before = utf8::Prefix(in, static_cast<size_t>(from) - 1);
  const size_t at = in.find(what, before.size());
  if (at == Text::npos) return 0;
  return static_cast<int32_t>(utf8::Count(in.substr(0, at))) + 1;
}

Kernel MakeLocate(size_t count) {
  if (count == 2) {
    return [](const KernelCall& call) {
      return MapRows<int32_t, Text, Text>(call, [](size_t, int32_t* out, Text what, Text in) {
        *out = Locate(what, in, 1);
        return true;
      });
    };
  }
  return [](const KernelCall& call) {
    return MapRows<int32_t, Text, Text, int32_t>(call, [](size_t, int32_t* out, Text what, Text in, int32_t from) {
      *out = Locate(what, in, from);
      return true;
    });
  };
}

Kernel MakeElt() {
  return [](const KernelCall& call) -> data::ColumnPtr {
    auto out = std::make_shared<data::Column>(call.type);
    const View<int32_t> places(call.args[0]);
    for (size_t row = 0; row < call.rows; ++row) {
      const int32_t place = places.IsNull(row) ? 0 : places[row];
      const bool inside = place >= 1 && static_cast<size_t>(place) < call.args.size();
      if (!inside || call.args[static_cast<size_t>(place)].IsNull(row)) {
        out->AppendNull();
      } else {
        out->AppendText(View<Text>(call.args[static_cast<size_t>(place)])[row]);
      }
    }
    return out;
  };
}

template <typename F>
Kernel Affix(F f) {
  return [f](const KernelCall& call) {
    return MapAll2<uint8_t, Text, Text>(call,
                                        [f](Text text, Text part) { return static_cast<uint8_t>(f(text, part)); });
  };
}

std::vector<Text> CodePoints(Text text) {
  std::vector<Text> all;
  for (; !text.empty(); text.remove_prefix(all.back().size())) all.push_back(text.substr(0, utf8::Length(text)));
  return all;
}

// Characters without a counterpart are left out; of one that is listed twice the first counts.
Kernel MakeTranslate() {
  return [](const KernelCall& call) {
    return MapText<Text, Text, Text>(call, [](size_t, std::string* out, Text text, Text from, Text to) {
      const std::vector<Text> listed = CodePoints(from);
      const std::vector<Text> replacements = CodePoints(to);
      for (const Text one : CodePoints(text)) {
        const auto place = static_cast<size_t>(std::ranges::find(listed, one) - listed.begin());
        if (place == listed.size()) {
          out->append(one);
        } else if (place < replacements.size()) {
          out->append(replacements[place]);
        }
      }
      return true;
    });
  };
}

void AppendInBase(uint64_t value, unsigned base, std::string* out) {
  std::string digits;
  do {
    digits.push_back("0123456789ABCDEF"[value % base]);
    value /= base;
  } while (value != 0);
  out->append(digits.rbegin(), digits.rend());
}

Kernel InBase(unsigned base) {
  return [base](const KernelCall& call) {
    return MapText<int64_t>(call, [base](size_t, std::string* out, int64_t value) {
      AppendInBase(static_cast<uint64_t>(value), base, out);
      return true;
    });
  };
}

absl::StatusOr<Kernel> MakeHex(const Binding& binding) {
  if (binding.arg(0).storage() == data::Storage::kInt64) return InBase(16);
  if (binding.arg(0).storage() != data::Storage::kText) return NoKernel(binding);
  return Kernel([](const KernelCall& call) {
    return MapText<Text>(call, [](size_t, std::string* out, Text text) {
      for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        out->push_back("0123456789ABCDEF"[byte >> 4]);
        out->push_back("0123456789ABCDEF"[byte & 15]);
      }
      return true;
    });
  });
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// An odd number of digits begins with half a byte; NULL if there is another character.
Kernel MakeUnhex() {
  return [](const KernelCall& call) {
    return MapText<Text>(call, [](size_t, std::string* out, Text text) {
      int high = text.size() % 2 == 1 ? 0 : -1;
      for (const char c : text) {
        const int digit = HexDigit(c);
        if (digit < 0) return false;
        if (high < 0) {
          high = digit;
        } else {
          out->push_back(static_cast<char>(high * 16 + digit));
          high = -1;
        }
      }
      return true;
    });
  };
}

// application/x-www-form-urlencoded: letters, digits and .-*_ stay, a blank is +.
Kernel MakeUrlEncode() {
  return [](const KernelCall& call) {
    return MapText<Text>(call, [](size_t, std::string* out, Text text) {
      for (const char c : text) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           Text(".-*_").find(c) != Text::npos;
        if (plain) {
          out->push_back(c);
        } else if (c == ' ') {
          out->push_back('+');
        } else {
          out->push_back('%');
          out->push_back("0123456789ABCDEF"[static_cast<unsigned char>(c) >> 4]);
          out->push_back("0123456789ABCDEF"[static_cast<unsigned char>(c) & 15]);
        }
      }
      return true;
    });
  };
}

Kernel MakeUrlDecode() {
  return [](const KernelCall& call) {
    return MapText<Text>(call, [](size_t, std::string* out, Text text) {
      for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+') {
          out->push_back(' ');
        } else if (text[i] != '%') {
          out->push_back(text[i]);
        } else {
          if (i + 2 >= text.size() || HexDigit(text[i + 1]) < 0 || HexDigit(text[i + 2]) < 0) return false;
          out->push_back(static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2])));
          i += 2;
        }
      }
      return true;
    });
  };
}

}  // namespace

absl::StatusOr<Kernel> MakeMoreTextKernel(const Binding& binding) {
  switch (binding.call.function) {
    case FunctionId::kLocate:
      return MakeLocate(binding.count());
    case FunctionId::kElt:
      return MakeElt();
    case FunctionId::kStartsWith:
      return Affix([](Text text, Text part) { return text.starts_with(part); });
    case FunctionId::kEndsWith:
      return Affix([](Text text, Text part) { return text.ends_with(part); });
    case FunctionId::kTranslate:
      return MakeTranslate();
    case FunctionId::kHex:
      return MakeHex(binding);
    case FunctionId::kUnhex:
      return MakeUnhex();
    case FunctionId::kBin:
      return InBase(2);
    case FunctionId::kUrlEncode:
      return MakeUrlEncode();
    case FunctionId::kUrlDecode:
      return MakeUrlDecode();
    default:
      return NoKernel(binding);
  }
}

}  // namespace leat::exec
