// Five verbs, one line per event, subject first: log::notice("vrrp front", "Backup → Master: master down timer
// expired"). Goes to the journal when stderr is connected to it, else to stderr with a <N> priority prefix where a
// service manager reads it, plain text on a terminal. Never blocks: a thread does the writing; when its ring is full,
// lines are dropped and counted. Pure code does not log.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace lvsd::base::log {

enum class Level : int { Error = 3, Warning = 4, Notice = 5, Info = 6, Debug = 7 };

// Starts the writer thread. Call once per process, after fork; `room` opens every line ("lvsd", "vrrp", …).
void open(std::string room, Level least = Level::Info);
void set_level(Level least);

// Writes what is queued (bounded wait of 1 s), stops the thread. Called at exit.
void close();

// Lines dropped because the reader of the log did not keep up.
std::uint64_t dropped();

void write(Level level, std::string_view subject, std::string text);

template <class... Args>
void error(std::string_view subject, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::Error, subject, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warning(std::string_view subject, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::Warning, subject, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void notice(std::string_view subject, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::Notice, subject, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void info(std::string_view subject, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::Info, subject, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void debug(std::string_view subject, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::Debug, subject, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace lvsd::base::log
