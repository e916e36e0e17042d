package io.github.vlm4j.backend.tornado;

/** What TornadoVM reads from system properties when its classes are loaded. */
final class Settings {

  private Settings() {}

  /** Sets what the backend relies on; to be called before any class of TornadoVM is loaded. */
  static void apply() {
    // Else a kernel that cannot be compiled is run as Java by one thread, which gives wrong
    // numbers.
    System.setProperty("tornado.recover.bailout", "False");
    // TornadoVM's own default gives up exact exponentials, infinities and small numbers.
    setDefault("tornado.opencl.compiler.flags", "-w");
    // TornadoVM would stop at 4 GB; the backend itself holds what it needs against the device's
    // memory.
    setDefault("tornado.device.memory", "1024GB");
  }

  private static void setDefault(String property, String value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, value);
    }
  }
}
