package io.github.vlm4j.backend.tornado.device;

import io.github.vlm4j.core.backend.WarmUpListener;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells those who wait what has been compiled for a device and how long it took. TornadoVM compiles
 * a kernel when it is first run, so that the times include that run.
 */
final class CompileClock {

  private static final Logger LOG = LoggerFactory.getLogger(CompileClock.class);

  /** A listener and what it has been told. */
  private static final class Heard {
    private final WarmUpListener listener;
    private int kernels;
    private long nanos;

    Heard(WarmUpListener listener) {
      this.listener = listener;
    }
  }

  private final String deviceName;
  private final List<Heard> all = new ArrayList<>();

  CompileClock(String deviceName) {
    this.deviceName = deviceName;
  }

  /** Adds a listener. */
  void add(WarmUpListener listener) {
    all.add(new Heard(listener));
  }

  /** Takes a listener away once. */
  void remove(WarmUpListener listener) {
    for (Heard heard : all) {
      if (heard.listener.equals(listener)) {
        all.remove(heard);
        return;
      }
    }
  }

  /** Tells that a kernel has been compiled and run for the first time. */
  void compiled(Kernel kernel, long nanos) {
    LOG.info("{}: {} compiled and first run in {} ms", deviceName, kernel, nanos / 1_000_000);
    for (Heard heard : all) {
      heard.kernels++;
      heard.nanos += nanos;
      heard.listener.compiled(kernel.toString(), heard.kernels, Duration.ofNanos(heard.nanos));
    }
  }
}
