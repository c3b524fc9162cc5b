// Output compared with a file of golden/. LVSD_WRITE_GOLDEN=1 in the environment writes the files anew; read the
// difference before it is committed.
#pragma once

#include <string>
#include <string_view>

namespace lvsd::ctl::test {

void expect_golden(std::string_view file, const std::string& text);
std::string read_source_file(std::string_view path);  // relative to the source tree; "" where it is missing

}  // namespace lvsd::ctl::test
