package io.github.vlm4j.models;

import io.github.vlm4j.core.BackendException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/** Lets several threads use a model one after the other, until it is closed. */
final class Turns {

  private final ReentrantLock turn = new ReentrantLock();
  private final Runnable relief;
  private boolean closed;

  /** Creates turns of work that leaves nothing behind that could be done without. */
  Turns() {
    this(() -> {});
  }

  /**
   * Creates turns.
   *
   * @param relief frees what can be done without; done, in a turn, when there is not enough memory
   */
  Turns(Runnable relief) {
    this.relief = relief;
  }

  /**
   * Does some work when it is this thread's turn.
   *
   * @throws IllegalStateException if the model is closed
   * @throws BackendException if there is not enough memory
   */
  <T> T take(Supplier<T> work) {
    turn.lock();
    try {
      if (closed) {
        throw new IllegalStateException("The model is closed");
      }
      return work.get();
    } catch (OutOfMemoryError exhausted) {
      relief.run();
      throw tooLarge(exhausted);
    } finally {
      turn.unlock();
    }
  }

  /**
   * Does some work that needs no turn.
   *
   * @throws BackendException if there is not enough memory
   */
  static <T> T inMemory(Supplier<T> work) {
    try {
      return work.get();
    } catch (OutOfMemoryError exhausted) {
      throw tooLarge(exhausted);
    }
  }

  /** What could not be had is garbage by now, and the model can go on with smaller requests. */
  private static BackendException tooLarge(OutOfMemoryError exhausted) {
    return new BackendException(
        "There is not enough memory: the Java heap may grow to "
            + (Runtime.getRuntime().maxMemory() >> 20)
            + " MiB only; use fewer or smaller pictures or a shorter prompt, or raise it with"
            + " -Xmx.",
        exhausted);
  }

  /**
   * Waits for the work in the making and frees what the model holds; a second call does nothing.
   */
  void close(Runnable free) {
    turn.lock();
    try {
      if (!closed) {
        closed = true;
        free.run();
      }
    } finally {
      turn.unlock();
    }
  }
}
