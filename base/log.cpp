#include "base/log.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include <poll.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

namespace lvsd::base::log {
namespace {

constexpr std::size_t kRingLines = 4096;

struct Line {
  Level level;
  std::string subject;
  std::string text;
};

enum class Sink { Journal, PrefixedStderr, Terminal };

// Documented by systemd.exec(5): JOURNAL_STREAM names the device and inode of the stream that the journal reads.
Sink find_sink() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat st {};
  if (stream && fstat(STDERR_FILENO, &st) == 0 && fmt::format("{}:{}", st.st_dev, st.st_ino) == stream)
    return Sink::Journal;
  return isatty(STDERR_FILENO) ? Sink::Terminal : Sink::PrefixedStderr;
}

class Writer {
 public:
  Writer(std::string room, Level at_least)
      : least{at_least}, room_{std::move(room)}, sink_{find_sink()}, thread_{[this] { run(); }} {}

  ~Writer() {
    {
      const std::lock_guard lock{mutex_};
      stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

  void push(Line line) {
    {
      const std::lock_guard lock{mutex_};
      if (ring_.size() >= kRingLines) {
        ++dropped;
        return;
      }
      ring_.push_back(std::move(line));
    }
    wake_.notify_one();
  }

  std::atomic<Level> least;
  std::atomic<std::uint64_t> dropped{0};

 private:
  void run() {
    std::unique_lock lock{mutex_};
    for (;;) {
      wake_.wait(lock, [this] { return stopping_ || !ring_.empty(); });
      if (ring_.empty()) return;
      const Line line = std::move(ring_.front());
      ring_.pop_front();
      lock.unlock();
      const bool written = put(line);
      lock.lock();
      if (!written && stopping_) return;  // nobody reads the log: do not hang the exit
    }
  }

  bool put(const Line& line) {
    const std::string message = line.subject.empty() ? line.text : line.subject + ": " + line.text;
    if (sink_ == Sink::Journal) {
      return sd_journal_send("MESSAGE=%s", message.c_str(), "PRIORITY=%d", static_cast<int>(line.level), "LVSD_ROOM=%s",
                             room_.c_str(), "LVSD_SUBJECT=%s", line.subject.c_str(), nullptr) >= 0;
    }
    const std::string text = sink_ == Sink::Terminal
                                 ? fmt::format("{}: {}\n", room_, message)
                                 : fmt::format("<{}>{}: {}\n", static_cast<int>(line.level), room_, message);
    return put_stderr(text);
  }

  // The thread may wait for a slow reader for ever; at exit it waits one second at most.
  bool put_stderr(std::string_view text) {
    for (int waits_at_exit = 0; !text.empty();) {
      pollfd ready{STDERR_FILENO, POLLOUT, 0};
      if (poll(&ready, 1, 100) == 0) {
        if (stopping_ && ++waits_at_exit >= 10) return false;
        continue;
      }
      const ssize_t n = ::write(STDERR_FILENO, text.data(), text.size());
      if (n < 0 && errno != EAGAIN && errno != EINTR) return false;
      if (n > 0) text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  std::string room_;
  Sink sink_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Line> ring_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

// One writer per process, owned here; everything else in lvsd has no process-wide state.
std::unique_ptr<Writer>& writer() {
  static std::unique_ptr<Writer> instance;
  return instance;
}

}  // namespace

void open(std::string room, Level least) { writer() = std::make_unique<Writer>(std::move(room), least); }
void set_level(Level least) {
  if (writer()) writer()->least = least;
}
void close() { writer().reset(); }
std::uint64_t dropped() { return writer() ? writer()->dropped.load() : 0; }

void write(Level level, std::string_view subject, std::string text) {
  if (!writer() || level > writer()->least) return;
  writer()->push({level, std::string{subject}, std::move(text)});
}

}  // namespace lvsd::base::log
