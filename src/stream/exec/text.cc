// Text functions. Lengths and positions count code points; positions start at 1.
#include <algorithm>
#include <array>

#include "base/strings.h"
#include "stream/exec/letter_case.h"
#include "stream/exec/node.h"
#include "stream/exec/utf8.h"

namespace leat::exec {
namespace {

using plan::FunctionId;
using Text = std::string_view;

constexpr size_t kMaxTextBytes = size_t{16} << 20;  // what LPAD, RPAD and REPEAT may make of one row

template <typename F>
Kernel MappedText(F f) {
  return [f](const KernelCall& call) {
    return MapText<Text>(call, [&](size_t, std::string* out, Text text) {
      f(text, out);
      return true;
    });
  };
}

// As Flink has it, only ASCII letters and digits make a word: any other letter is kept, and ends it.
void InitCap(Text text, std::string* out) {
  bool first = true;
  for (const char c : text) {
    const bool small = c >= 'a' && c <= 'z';
    const bool capital = c >= 'A' && c <= 'Z';
    const bool changes = (first && small) || (!first && capital);
    out->push_back(changes ? static_cast<char>(c ^ 0x20) : c);
    first = !small && !capital && !(c >= '0' && c <= '9');
  }
}

void Reverse(Text text, std::string* out) {
  std::vector<Text> parts;
  for (; !text.empty(); text.remove_prefix(parts.back().size())) parts.push_back(text.substr(0, utf8::Length(text)));
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) out->append(*part);
}

// --- trimming: the characters of `set`, from one side or both ---

bool Contains(Text set, Text code_point) { return set.find(code_point) != Text::npos; }

Text TrimLeft(Text text, Text set) {
  while (!text.empty()) {
    const size_t length = utf8::Length(text);
    if (!Contains(set, text.substr(0, length))) break;
    text.remove_prefix(length);
  }
  return text;
}

Text TrimRight(Text text, Text set) {
  while (!text.empty()) {
    size_t start = text.size() - 1;
    while (start > 0 && text.size() - start < 4 && (static_cast<unsigned char>(text[start]) & 0xc0) == 0x80) --start;
    if (!Contains(set, text.substr(start))) break;
    text.remove_suffix(text.size() - start);
  }
  return text;
}

template <typename F>
Kernel Trim(size_t count, F trim) {
  if (count == 1) {
    return [trim](const KernelCall& call) {
      return MapView<Text>(call, [&](size_t, Text* out, Text text) {
        *out = trim(text, Text(" "));
        return true;
      });
    };
  }
  return [trim](const KernelCall& call) {
    return MapView<Text, Text>(call, [&](size_t, Text* out, Text text, Text set) {
      *out = trim(text, set);
      return true;
    });
  };
}

// --- parts ---

// Code points [start, start + length) of the text.
Text Slice(Text text, size_t start, size_t length) {
  const Text rest = text.substr(utf8::Prefix(text, start).size());
  return utf8::Prefix(rest, length);
}

// SUBSTRING with a position from 1, or negative from the end. A negative length gives NULL.
bool Substring(Text text, int32_t from, int32_t length, Text* out) {
  if (length < 0) return false;
  size_t start = 0;
  if (from > 0) {
    start = static_cast<size_t>(from) - 1;
  } else if (from < 0) {
    const int64_t at = static_cast<int64_t>(utf8::Count(text)) + from;
    if (at < 0) {
      *out = {};
      return true;
    }
    start = static_cast<size_t>(at);
  }
  *out = Slice(text, start, static_cast<size_t>(length));
  return true;
}

Kernel MakeSubstring(size_t count) {
  if (count == 2) {
    return [](const KernelCall& call) {
      return MapView<Text, int32_t>(
          call, [](size_t, Text* out, Text text, int32_t from) { return Substring(text, from, INT32_MAX, out); });
    };
  }
  return [](const KernelCall& call) {
    return MapView<Text, int32_t, int32_t>(call, [](size_t, Text* out, Text text, int32_t from, int32_t length) {
      return Substring(text, from, length, out);
    });
  };
}

Kernel MakeLeft() {
  return [](const KernelCall& call) {
    return MapView<Text, int32_t>(call, [](size_t, Text* out, Text text, int32_t n) {
      *out = n <= 0 ? Text() : utf8::Prefix(text, static_cast<size_t>(n));
      return true;
    });
  };
}

Kernel MakeRight() {
  return [](const KernelCall& call) {
    return MapView<Text, int32_t>(call, [](size_t, Text* out, Text text, int32_t n) {
      const size_t have = utf8::Count(text);
      const auto want = static_cast<size_t>(std::max(n, 0));
      *out = want >= have ? text : Slice(text, have - want, want);
      return true;
    });
  };
}

Kernel MakeSplitIndex() {
  return [](const KernelCall& call) {
    return MapView<Text, Text, int32_t>(call, [](size_t, Text* out, Text text, Text separator, int32_t index) {
      if (index < 0 || text.empty()) return false;
      if (separator.empty()) return index == 0 ? (*out = text, true) : false;
      for (; index > 0; --index) {
        const size_t at = text.find(separator);
        if (at == Text::npos) return false;
        text.remove_prefix(at + separator.size());
      }
      *out = text.substr(0, text.find(separator));
      return true;
    });
  };
}

// --- looking for text ---

// The position of the nth `what` at or after position `from`, 0 if there is none.
int32_t Locate(Text text, Text what, int32_t from, int32_t nth) {
  if (nth < 1 || from == 0) return 0;
  size_t start = 0;
  if (from > 0) {
    start = utf8::Prefix(text, static_cast<size_t>(from) - 1).size();
  } else {
    // Backwards from the end, as Oracle's INSTR that Flink follows.
    size_t at =
        text.rfind(what, Slice(text, 0, utf8::Count(text) - std::min<size_t>(utf8::Count(text), 0U - from)).size());
    for (; nth > 1 && at != Text::npos && at > 0; --nth) at = text.rfind(what, at - 1);
    return at == Text::npos || nth > 1 ? 0 : static_cast<int32_t>(utf8::Count(text.substr(0, at))) + 1;
  }
  size_t at = text.find(what, start);
  for (; nth > 1 && at != Text::npos; --nth) at = text.find(what, at + 1);
  return at == Text::npos ? 0 : static_cast<int32_t>(utf8::Count(text.substr(0, at))) + 1;
}

Kernel MakeInstr(size_t count) {
  if (count == 2) {
    return [](const KernelCall& call) {
      return MapAll2<int32_t, Text, Text>(call, [](Text text, Text what) { return Locate(text, what, 1, 1); });
    };
  }
  if (count == 3) {
    return [](const KernelCall& call) {
      return MapRows<int32_t, Text, Text, int32_t>(call, [](size_t, int32_t* out, Text text, Text what, int32_t from) {
        *out = Locate(text, what, from, 1);
        return true;
      });
    };
  }
  return [](const KernelCall& call) {
    return MapRows<int32_t, Text, Text, int32_t, int32_t>(
        call, [](size_t, int32_t* out, Text text, Text what, int32_t from, int32_t nth) {
          *out = Locate(text, what, from, nth);
          return true;
        });
  };
}

// --- joining ---

Kernel MakeConcat(size_t count) {
  return [count](const KernelCall& call) {
    std::vector<View<Text>> parts;
    for (const Vector& arg : call.args) parts.emplace_back(arg);
    return MapText<Text>(call, [&](size_t row, std::string* out, Text first) {
      out->append(first);
      for (size_t i = 1; i < count; ++i) out->append(parts[i][row]);
      return true;
    });
  };
}

// NULL only for a NULL separator; NULL parts are left out.
Kernel MakeConcatWs() {
  return [](const KernelCall& call) -> data::ColumnPtr {
    auto out = std::make_shared<data::Column>(call.type);
    std::vector<View<Text>> parts;
    for (const Vector& arg : call.args) parts.emplace_back(arg);
    std::string text;
    for (size_t row = 0; row < call.rows; ++row) {
      if (parts[0].IsNull(row)) {
        out->AppendNull();
        continue;
      }
      text.clear();
      bool first = true;
      for (size_t i = 1; i < parts.size(); ++i) {
        if (parts[i].IsNull(row)) continue;
        if (!first) text.append(parts[0][row]);
        text.append(parts[i][row]);
        first = false;
      }
      out->AppendText(text);
    }
    return out;
  };
}

void Replace(Text text, Text what, Text with, std::string* out) {
  if (what.empty()) {
    out->append(text);
    return;
  }
  for (size_t at = text.find(what); at != Text::npos; at = text.find(what)) {
    out->append(text.substr(0, at));
    out->append(with);
    text.remove_prefix(at + what.size());
  }
  out->append(text);
}

Kernel MakeReplace() {
  return [](const KernelCall& call) {
    return MapText<Text, Text, Text>(call, [](size_t, std::string* out, Text text, Text what, Text with) {
      Replace(text, what, with, out);
      return true;
    });
  };
}

bool TooLong(const KernelCall& call, size_t row, size_t bytes, std::string_view function) {
  if (bytes <= kMaxTextBytes) return false;
  call.errors.Add(row, StrCat(function, " would make ", bytes, " bytes of text; the limit is ", kMaxTextBytes));
  return true;
}

enum class Side { kLeft, kRight };
Kernel MakePad(Side side) {
  return [side](const KernelCall& call) {
    return MapText<Text, int32_t, Text>(call, [&](size_t row, std::string* out, Text text, int32_t want, Text pad) {
      if (want < 0 || pad.empty()) return false;
      const auto length = static_cast<size_t>(want);
      if (TooLong(call, row, length, side == Side::kLeft ? "LPAD" : "RPAD")) return false;
      const size_t have = utf8::Count(text);
      std::string fill;
      for (size_t missing = length > have ? length - have : 0; missing > 0;) {
        const size_t pad_length = std::min(missing, utf8::Count(pad));
        fill.append(utf8::Prefix(pad, pad_length));
        missing -= pad_length;
      }
      const Text kept = utf8::Prefix(text, length);
      *out = side == Side::kLeft ? StrCat(fill, kept) : StrCat(kept, fill);
      return true;
    });
  };
}

Kernel MakeRepeat() {
  return [](const KernelCall& call) {
    return MapText<Text, int32_t>(call, [&](size_t row, std::string* out, Text text, int32_t times) {
      const auto n = static_cast<size_t>(std::max(times, 0));
      if (TooLong(call, row, n * text.size(), "REPEAT")) return false;
      out->reserve(n * text.size());
      for (size_t i = 0; i < n && !text.empty(); ++i) out->append(text);
      return true;
    });
  };
}

// OVERLAY(text PLACING with FROM from [FOR length]).
void Overlay(Text text, Text with, int32_t from, int32_t length, std::string* out) {
  const auto count = static_cast<int64_t>(utf8::Count(text));
  if (from <= 0 || from > count) {
    out->append(text);
    return;
  }
  const auto start = static_cast<size_t>(from) - 1;
  out->append(utf8::Prefix(text, start));
  out->append(with);
  if (length < 0 || int64_t{from} - 1 + length > count) return;
  out->append(Slice(text, start + static_cast<size_t>(length), static_cast<size_t>(count)));
}

Kernel MakeOverlay(size_t count) {
  if (count == 3) {
    return [](const KernelCall& call) {
      return MapText<Text, Text, int32_t>(call, [](size_t, std::string* out, Text text, Text with, int32_t from) {
        Overlay(text, with, from, static_cast<int32_t>(utf8::Count(with)), out);
        return true;
      });
    };
  }
  return [](const KernelCall& call) {
    return MapText<Text, Text, int32_t, int32_t>(
        call, [](size_t, std::string* out, Text text, Text with, int32_t from, int32_t length) {
          Overlay(text, with, from, length, out);
          return true;
        });
  };
}

Kernel MakeChr() {
  return [](const KernelCall& call) {
    return MapText<int64_t>(call, [](size_t, std::string* out, int64_t code) {
      if (code < 0) return true;
      if ((code & 0xff) == 0) {
        out->push_back('\0');
      } else {
        utf8::Append(static_cast<uint32_t>(code & 0xff), out);
      }
      return true;
    });
  };
}

absl::StatusOr<Kernel> MakeOfOne(const Binding& binding) {
  switch (binding.call.function) {
    case FunctionId::kUpper:
      return MappedText(AppendUpperCase);
    case FunctionId::kLower:
      return MappedText(AppendLowerCase);
    case FunctionId::kReverse:
      return MappedText(Reverse);
    case FunctionId::kInitCap:
      return MappedText(InitCap);
    case FunctionId::kCharLength:
      return Kernel([](const KernelCall& call) {
        return MapAll<int32_t, Text>(call, [](Text text) { return static_cast<int32_t>(utf8::Count(text)); });
      });
    case FunctionId::kAscii:
      return Kernel([](const KernelCall& call) {
        return MapAll<int32_t, Text>(call, [](Text text) { return text.empty() ? 0 : static_cast<int32_t>(text[0]); });
      });
    default:
      return NoKernel(binding);
  }
}

// Whether the arguments have these storages: T text, I INT, L BIGINT; what is beyond the letters is text.
bool Takes(const Binding& binding, std::string_view letters) {
  for (size_t i = 0; i < binding.count(); ++i) {
    const char letter = i < letters.size() ? letters[i] : 'T';
    const data::Storage want = letter == 'I'   ? data::Storage::kInt32
                               : letter == 'L' ? data::Storage::kInt64
                                               : data::Storage::kText;
    if (binding.arg(i).storage() != want) return false;
  }
  return true;
}

std::string_view Parameters(FunctionId id) {
  switch (id) {
    case FunctionId::kSubstring:
      return "TII";
    case FunctionId::kLeft:
    case FunctionId::kRight:
    case FunctionId::kRepeat:
      return "TI";
    case FunctionId::kLpad:
    case FunctionId::kRpad:
      return "TIT";
    case FunctionId::kInstr:
    case FunctionId::kOverlay:
      return "TTII";
    case FunctionId::kSplitIndex:
      return "TTI";
    case FunctionId::kChr:
      return "L";
    default:
      return "";
  }
}

}  // namespace

absl::StatusOr<Kernel> MakeTextKernel(const Binding& binding) {
  const size_t count = binding.count();
  const FunctionId id = binding.call.function;
  if (count == 0 || !Takes(binding, Parameters(id))) return NoKernel(binding);
  switch (id) {
    case FunctionId::kTrimBoth:
      return Trim(count, [](Text text, Text set) { return TrimRight(TrimLeft(text, set), set); });
    case FunctionId::kTrimLeading:
      return Trim(count, TrimLeft);
    case FunctionId::kTrimTrailing:
      return Trim(count, TrimRight);
    case FunctionId::kSubstring:
      return MakeSubstring(count);
    case FunctionId::kConcat:
      return MakeConcat(count);
    case FunctionId::kConcatWs:
      return MakeConcatWs();
    case FunctionId::kReplace:
      return MakeReplace();
    case FunctionId::kPosition:
      return Kernel([](const KernelCall& call) {
        return MapAll2<int32_t, Text, Text>(call, [](Text what, Text text) { return Locate(text, what, 1, 1); });
      });
    case FunctionId::kInstr:
      return MakeInstr(count);
    case FunctionId::kLpad:
      return MakePad(Side::kLeft);
    case FunctionId::kRpad:
      return MakePad(Side::kRight);
    case FunctionId::kLeft:
      return MakeLeft();
    case FunctionId::kRight:
      return MakeRight();
    case FunctionId::kRepeat:
      return MakeRepeat();
    case FunctionId::kSplitIndex:
      return MakeSplitIndex();
    case FunctionId::kOverlay:
      return MakeOverlay(count);
    case FunctionId::kChr:
      return MakeChr();
    default:
      return MakeOfOne(binding);
  }
}

}  // namespace leat::exec
