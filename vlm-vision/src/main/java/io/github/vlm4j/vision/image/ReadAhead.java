package io.github.vlm4j.vision.image;

import io.github.vlm4j.core.InputException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;

/**
 * Reads pictures, or does other work on them, on threads of its own, ahead of whoever takes the
 * results. They come in the order of the work, and so do failures. A bounded number is begun and
 * not taken at any time, so that it does not matter how many pictures there are.
 *
 * <pre>{@code
 * try (var pictures = new ReadAhead<Image>(files.stream().map(f -> read(f)).iterator(), 16)) {
 *   for (var next = pictures.next(); next.isPresent(); next = pictures.next()) {
 *     use(next.get());
 *   }
 * }
 * }</pre>
 *
 * <p>Not safe for use by several threads at once.
 *
 * @param <T> what is made of a picture
 */
public final class ReadAhead<T> implements AutoCloseable {

  private final Iterator<? extends Supplier<? extends T>> work;
  private final int ahead;
  private final ExecutorService threads;
  private final Queue<Future<T>> begun = new ArrayDeque<>();

  /**
   * Takes the work; the first of it begins with the first call of {@link #next} or {@link #begin}.
   *
   * @param work asked for one after the other by the thread that takes the results, and done on as
   *     many threads as there are processors
   * @param ahead the most results that are in the making or waiting to be taken; at least 1
   */
  public ReadAhead(Iterator<? extends Supplier<? extends T>> work, int ahead) {
    this.work = work;
    this.ahead = ahead;
    int wanted = Math.min(ahead, Runtime.getRuntime().availableProcessors());
    threads =
        Executors.newFixedThreadPool(
            wanted, Thread.ofPlatform().daemon().name("vlm-pictures-", 0).factory());
  }

  /**
   * Does some work on as many threads as there are processors.
   *
   * @param work what to do
   * @return the results, in its order
   * @throws InputException if the thread is interrupted
   * @throws RuntimeException what the first piece that failed threw
   */
  public static <T> List<T> all(List<? extends Supplier<? extends T>> work) {
    List<T> results = new ArrayList<>();
    if (work.size() == 1) {
      results.add(work.getFirst().get());
    } else if (!work.isEmpty()) {
      try (ReadAhead<T> pictures = new ReadAhead<>(work.iterator(), work.size())) {
        for (Optional<T> next = pictures.next(); next.isPresent(); next = pictures.next()) {
          results.add(next.get());
        }
      }
    }
    return results;
  }

  /**
   * Returns the next result.
   *
   * @return empty after the last
   * @throws InputException if the thread is interrupted
   * @throws RuntimeException what the work threw
   */
  public Optional<T> next() {
    begin();
    Future<T> first = begun.poll();
    return first == null ? Optional.empty() : Optional.of(get(first));
  }

  /** Begins as much of the work as may be in the making. */
  public void begin() {
    while (begun.size() < ahead && work.hasNext()) {
      Supplier<? extends T> piece = work.next();
      begun.add(threads.submit(piece::get));
    }
  }

  private static <T> T get(Future<T> future) {
    try {
      return future.get();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new InputException("Reading pictures was interrupted; start again.", interrupted);
    } catch (ExecutionException failed) {
      switch (failed.getCause()) {
        case RuntimeException cause -> throw cause;
        case Error cause -> throw cause;
        case null, default -> throw new IllegalStateException(failed);
      }
    }
  }

  /** Leaves out work that has not begun, and waits for what has. */
  @Override
  public void close() {
    threads.shutdownNow();
    threads.close();
  }
}
