// Numbers, ages and times as lvsctl prints them. Used by every render function.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/ctl/view.hpp"

namespace lvsd::ctl {

std::string count(std::uint64_t number, const View& view);  // "18204", on a terminal "18,204"
std::string scaled(std::uint64_t number);                   // "412 k", "3.1 G"; three significant digits, decimal steps
std::string plural(std::uint64_t number, std::string_view noun, const View& view);  // "1 error", "2 errors"

// At most `columns` wide, the end replaced by an ellipsis where it does not fit.
std::string shortened(std::string_view text, std::size_t columns, const View& view);

// Since a moment: "4m12s"; "-" for 0 (never).
std::string age_since(std::int64_t unix_ms, const View& view);
std::string age(std::int64_t milliseconds);  // "-" when negative

// Local time: "09:14:07", with the date before it when it is not today's.
std::string local_time(std::int64_t unix_ms, const View& view);

std::string seconds(std::int64_t milliseconds);            // "3.41s", "1s", "0.5s"
std::string milliseconds_text(std::int64_t microseconds);  // "2.1 ms"

}  // namespace lvsd::ctl
