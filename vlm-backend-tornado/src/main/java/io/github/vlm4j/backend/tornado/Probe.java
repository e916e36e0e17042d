package io.github.vlm4j.backend.tornado;

import io.github.vlm4j.core.backend.Availability;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Finds out whether TornadoVM can be used. There is one for each JVM, as classes of TornadoVM that
 * could not be started once cannot be started again, and say less about the cause then.
 */
final class Probe {

  /** The only one. */
  static final Probe OF_THIS_JVM = new Probe();

  private static final String RUNTIME =
      "io.github.vlm4j.backend.tornado.device.TornadoDeviceRuntime";

  private static final String START =
      "start the JVM with the options of a TornadoVM SDK, as in"
          + " JDK_JAVA_OPTIONS=@$TORNADOVM_HOME/tornado-argfile, and with the application on the"
          + " class path; the vlm command does so by itself where TORNADOVM_HOME is set.";

  private @Nullable DeviceRuntime runtime;
  private @Nullable String failure;
  private @Nullable Availability tested;

  private Probe() {}

  /** Returns whether a device that is not a CPU has been found; whether it works is not tried. */
  synchronized boolean findsAccelerator() {
    try {
      DeviceRuntime loaded = load();
      return loaded != null && loaded.drivers() > 0 && !loaded.isCpu();
    } catch (Throwable e) {
      keep(e);
      return false;
    }
  }

  /** Returns whether TornadoVM computes what it should, and why not. */
  synchronized Availability availability() {
    if (tested == null) {
      tested = test();
    }
    return tested;
  }

  /** Returns the part that knows TornadoVM; to be called only if it is available. */
  synchronized DeviceRuntime runtime() {
    if (runtime == null) {
      throw new IllegalStateException("TornadoVM is not available");
    }
    return runtime;
  }

  private Availability test() {
    try {
      DeviceRuntime loaded = load();
      if (loaded != null && failure == null) {
        return loaded.drivers() > 0
            ? Availability.yes(loaded.test())
            : Availability.no(
                "TornadoVM has no driver: the JVM was not started with the module of one, such as"
                    + " tornado.drivers.opencl; "
                    + START);
      }
    } catch (Throwable e) {
      keep(e);
    }
    return Availability.no(String.valueOf(failure));
  }

  /** Loads the part that knows TornadoVM; returns null if that has failed. */
  private @Nullable DeviceRuntime load() {
    if (runtime == null && failure == null) {
      Settings.apply();
      try {
        runtime =
            Class.forName(RUNTIME, true, Probe.class.getClassLoader())
                .asSubclass(DeviceRuntime.class)
                .getDeclaredConstructor()
                .newInstance();
      } catch (Throwable e) {
        keep(e);
      }
    }
    return runtime;
  }

  /** Keeps the first failure: those after it are only its consequences. */
  private void keep(Throwable e) {
    if (failure == null) {
      failure = sentence(e);
    }
  }

  /** Returns in one sentence what is the matter and what to do. */
  private static String sentence(Throwable thrown) {
    Throwable root = thrown;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    String message = String.valueOf(root.getMessage()).replaceAll("\\s+", " ").strip();
    if (root instanceof ClassNotFoundException && message.equals(RUNTIME)) {
      return "this build was made without TornadoVM; set TORNADOVM_HOME to the folder of a"
          + " TornadoVM SDK and build again.";
    }
    String sdk = System.getenv("TORNADOVM_HOME");
    if (sdk != null && !Files.isReadable(Path.of(sdk, "tornado-argfile"))) {
      return "TORNADOVM_HOME is "
          + sdk
          + ", where there is no readable file tornado-argfile; set it to the folder of a TornadoVM"
          + " SDK.";
    }
    return "TornadoVM could not be started ("
        + root.getClass().getSimpleName()
        + ": "
        + message
        + "); "
        + START;
  }
}
