package io.github.vlm4j.vision.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.core.InputException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ReadAheadTest {

  private static final int AHEAD = 6;

  private static Stream<Supplier<Integer>> numbers(int count) {
    return IntStream.range(0, count).mapToObj(i -> () -> i);
  }

  @Test
  void resultsComeInTheOrderOfTheWork() {
    List<Supplier<Integer>> work =
        IntStream.range(0, 50)
            .<Supplier<Integer>>mapToObj(i ->
                () -> {
                  LockSupport.parkNanos(i % 7 * 100_000L);
                  return i;
                })
            .toList();
    assertThat(ReadAhead.<Integer>all(work)).isEqualTo(IntStream.range(0, 50).boxed().toList());
  }

  @Test
  void noMoreIsBegunThanMayWait() {
    AtomicInteger asked = new AtomicInteger();
    Stream<Supplier<Integer>> work = numbers(10_000).peek(piece -> asked.incrementAndGet());
    try (ReadAhead<Integer> numbers = new ReadAhead<>(work.iterator(), AHEAD)) {
      for (int taken = 0; taken < 10_000; taken++) {
        assertThat(numbers.next()).contains(taken);
        // An iterator of a stream has looked at the next element when it is asked whether there is.
        assertThat(asked.get()).isBetween(taken + 1, taken + AHEAD + 1);
      }
      assertThat(numbers.next()).isEmpty();
      assertThat(numbers.next()).isEmpty();
    }
  }

  @Test
  void workThatIsBegunIsDoneBeforeItIsAskedFor() throws InterruptedException {
    CountDownLatch done = new CountDownLatch(1);
    Supplier<Integer> piece =
        () -> {
          done.countDown();
          return 1;
        };
    try (ReadAhead<Integer> numbers = new ReadAhead<>(List.of(piece).iterator(), AHEAD)) {
      numbers.begin();
      done.await();
      assertThat(numbers.next()).contains(1);
      assertThat(numbers.next()).isEmpty();
    }
  }

  @Test
  void workGoesOnWhileNothingIsTaken() throws InterruptedException {
    CountDownLatch done = new CountDownLatch(AHEAD);
    Supplier<Integer> piece =
        () -> {
          done.countDown();
          return 1;
        };
    try (ReadAhead<Integer> numbers =
        new ReadAhead<>(Stream.generate(() -> piece).iterator(), AHEAD)) {
      assertThat(numbers.next()).contains(1);
      // Nothing more is taken, or this would wait for ever.
      done.await();
    }
  }

  @Test
  void theFirstFailureInOrderIsThrownAfterTheResultsBeforeIt() {
    List<Supplier<Integer>> work = new ArrayList<>(numbers(4).toList());
    work.set(
        2,
        () -> {
          LockSupport.parkNanos(20_000_000);
          throw new InputException("two");
        });
    work.set(
        3,
        () -> {
          throw new InputException("three");
        });
    try (ReadAhead<Integer> numbers = new ReadAhead<>(work.iterator(), AHEAD)) {
      assertThat(numbers.next()).contains(0);
      assertThat(numbers.next()).contains(1);
      assertThatThrownBy(numbers::next).isInstanceOf(InputException.class).hasMessage("two");
    }
    assertThatThrownBy(() -> ReadAhead.<Integer>all(work)).hasMessage("two");
  }

  @Test
  void errorsPassThrough() {
    Supplier<Integer> piece =
        () -> {
          throw new OutOfMemoryError("made up");
        };
    assertThatThrownBy(() -> ReadAhead.<Integer>all(List.of(piece, piece)))
        .isInstanceOf(OutOfMemoryError.class);
  }

  @Test
  void closingLeavesOutWhatHasNotBegunAndLeavesNoThreadBehind() throws InterruptedException {
    AtomicInteger done = new AtomicInteger();
    List<Thread> threads = new ArrayList<>();
    Supplier<Integer> piece =
        () -> {
          synchronized (threads) {
            threads.add(Thread.currentThread());
          }
          LockSupport.parkNanos(5_000_000);
          return done.incrementAndGet();
        };
    int ahead = 1000;
    try (ReadAhead<Integer> numbers =
        new ReadAhead<>(Stream.generate(() -> piece).iterator(), ahead)) {
      assertThat(numbers.next()).isPresent();
    }
    assertThat(done.get()).isLessThan(ahead);
    // A pool is terminated by the last of its threads, which has a few steps to go then.
    for (Thread thread : threads) {
      thread.join(Duration.ofSeconds(20));
    }
    assertThat(threads).isNotEmpty().noneMatch(Thread::isAlive);
  }

  @Test
  void anInterruptEndsTheWaitInASentence() {
    CountDownLatch never = new CountDownLatch(1);
    Supplier<Integer> piece =
        () -> {
          try {
            never.await();
            return 1;
          } catch (InterruptedException closed) {
            return 0;
          }
        };
    try (ReadAhead<Integer> numbers = new ReadAhead<>(List.of(piece).iterator(), 1)) {
      Thread.currentThread().interrupt();
      assertThatThrownBy(numbers::next)
          .isInstanceOf(InputException.class)
          .hasMessageContaining("interrupted");
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  @Test
  void nothingToDoIsNothingDone() {
    assertThat(ReadAhead.<Integer>all(List.of())).isEmpty();
    try (ReadAhead<Integer> numbers =
        new ReadAhead<>(List.<Supplier<Integer>>of().iterator(), AHEAD)) {
      assertThat(numbers.next()).isEqualTo(Optional.empty());
    }
  }
}
