package io.github.vlm4j.core.event;

import java.util.Optional;
import java.util.function.Supplier;
import jdk.jfr.Event;
import jdk.jfr.FlightRecorder;

/**
 * Begins events only where Flight Recorder is in use: the first event class that a JVM loads starts
 * the recorder up, which takes a tenth of a second.
 */
public final class FlightRecording {

  private FlightRecording() {}

  /**
   * Begins an event.
   *
   * @param creation creates the event; a lambda expression, as a constructor reference would load
   *     the event's class
   * @return the event, or empty where nothing has been recorded in this JVM so far
   */
  public static <E extends Event> Optional<E> begin(Supplier<E> creation) {
    if (!FlightRecorder.isInitialized()) {
      return Optional.empty();
    }
    E event = creation.get();
    event.begin();
    return Optional.of(event);
  }
}
