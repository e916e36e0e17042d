package io.github.vlm4j.backend.tornado;

import io.github.vlm4j.core.backend.Availability;
import org.jspecify.annotations.Nullable;

/** Finds out once whether TornadoVM can be used in this JVM. */
final class Probe {

  private static final String RUNTIME =
      "io.github.vlm4j.backend.tornado.device.TornadoDeviceRuntime";

  private static final String START =
      "start the JVM with -XX options and modules of a TornadoVM SDK, as in"
          + " JDK_JAVA_OPTIONS=@$TORNADOVM_HOME/tornado-argfile; the vlm command does so by itself"
          + " when TORNADOVM_HOME is set.";

  private static @Nullable DeviceRuntime runtime;
  private static @Nullable Throwable failure;
  private static @Nullable Availability tested;

  private Probe() {}

  /** Returns whether a device that is not a CPU has been found; whether it works is not tried. */
  static synchronized boolean findsAccelerator() {
    try {
      return load() && runtime().drivers() > 0 && !runtime().isCpu();
    } catch (Throwable e) {
      keep(e);
      return false;
    }
  }

  /** Returns whether TornadoVM computes what it should, and why not. */
  static synchronized Availability availability() {
    if (tested == null) {
      tested = test();
    }
    return tested;
  }

  /** Returns the part that knows TornadoVM; to be called only if it is available. */
  static synchronized DeviceRuntime runtime() {
    if (runtime == null) {
      throw new IllegalStateException("TornadoVM is not available");
    }
    return runtime;
  }

  private static Availability test() {
    try {
      if (load() && runtime().drivers() == 0) {
        return Availability.no(
            "TornadoVM has no driver: its SDK has been built for no backend, or its driver's module"
                + " is not among those that the JVM was started with; install the SDK of a backend"
                + " such as opencl.");
      }
      return failure == null
          ? Availability.yes(runtime().test())
          : Availability.no(sentence(failure));
    } catch (Throwable e) {
      keep(e);
      return Availability.no(sentence(e));
    }
  }

  /** Loads the part that knows TornadoVM; returns whether nothing has failed so far. */
  private static boolean load() {
    if (runtime == null && failure == null) {
      Settings.apply();
      try {
        runtime =
            (DeviceRuntime)
                Class.forName(RUNTIME, true, Probe.class.getClassLoader())
                    .getDeclaredConstructor()
                    .newInstance();
      } catch (Throwable e) {
        keep(e);
      }
    }
    return failure == null;
  }

  /** Keeps the first failure: those after it are only its consequences. */
  private static void keep(Throwable e) {
    if (failure == null) {
      failure = e;
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
      return "this build was made without TornadoVM; set TORNADOVM_HOME to the folder of a TornadoVM"
          + " SDK and build again.";
    }
    if (message.startsWith("uk.ac.manchester.tornado.") || message.startsWith("uk/ac/manchester/tornado/")) {
      return "TornadoVM's classes are missing ("
          + message.replace('/', '.')
          + "); "
          + START;
    }
    return "TornadoVM could not be used ("
        + root.getClass().getSimpleName()
        + ": "
        + message
        + "); "
        + START;
  }
}
