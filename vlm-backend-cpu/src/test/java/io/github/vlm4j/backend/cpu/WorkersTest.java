package io.github.vlm4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
class WorkersTest {

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 8})
  void everyPartIsDoneExactlyOnceInEachOfManyRounds(int threads) {
    try (Workers workers = new Workers(threads)) {
      for (int round = 0; round < 3000; round++) {
        int parts = round % 40;
        AtomicIntegerArray done = new AtomicIntegerArray(40);
        workers.run(parts, (part, worker) -> done.incrementAndGet(part));
        for (int part = 0; part < 40; part++) {
          assertThat(done.get(part))
              .as("part %d of %d", part, parts)
              .isEqualTo(part < parts ? 1 : 0);
        }
      }
    }
  }

  @Test
  void plainWritesOfOneRoundAreSeenByAllPartsOfTheNext() {
    try (Workers workers = new Workers(4)) {
      int[] before = new int[64];
      int[] after = new int[64];
      for (int round = 1; round <= 2000; round++) {
        int number = round;
        workers.run(64, (part, worker) -> before[part] = number);
        workers.run(64, (part, worker) -> after[part] = before[63 - part]);
        assertThat(after).containsOnly(number);
      }
    }
  }

  @Test
  void noTwoPartsRunAtTheSameTimeAsTheSameWorker() {
    try (Workers workers = new Workers(4)) {
      AtomicIntegerArray busy = new AtomicIntegerArray(workers.size());
      AtomicInteger clashes = new AtomicInteger();
      for (int round = 0; round < 500; round++) {
        workers.run(
            16,
            (part, worker) -> {
              if (busy.incrementAndGet(worker) != 1) {
                clashes.incrementAndGet();
              }
              Thread.onSpinWait();
              busy.decrementAndGet(worker);
            });
      }
      assertThat(clashes).hasValue(0);
    }
  }

  @Test
  void threadsThatWentToSleepAreWokenUp() {
    try (Workers workers = new Workers(3)) {
      for (int round = 0; round < 20; round++) {
        LockSupport.parkNanos(3_000_000);
        AtomicInteger done = new AtomicInteger();
        workers.run(30, (part, worker) -> done.incrementAndGet());
        assertThat(done).hasValue(30);
      }
    }
  }

  @Test
  void anExceptionOfAnyPartReachesTheCallerAndTheTeamGoesOn() {
    try (Workers workers = new Workers(3)) {
      for (int round = 0; round < 200; round++) {
        int bad = round % 20;
        assertThatThrownBy(() ->
                workers.run(
                    20,
                    (part, worker) -> {
                      if (part == bad) {
                        throw new IllegalArgumentException("part " + part);
                      }
                    }))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessage("part " + bad);
        AtomicInteger done = new AtomicInteger();
        workers.run(20, (part, worker) -> done.incrementAndGet());
        assertThat(done).hasValue(20);
      }
    }
  }

  @Test
  void anErrorReachesTheCallerAsItself() {
    try (Workers workers = new Workers(2)) {
      assertThatThrownBy(() ->
              workers.run(
                  4,
                  (part, worker) -> {
                    throw new StackOverflowError();
                  }))
          .isInstanceOf(StackOverflowError.class);
    }
  }

  @Test
  void callersOnSeveralThreadsTakeTurns() throws InterruptedException {
    try (Workers workers = new Workers(3)) {
      AtomicReference<Throwable> failure = new AtomicReference<>();
      List<Thread> callers = new ArrayList<>();
      for (int caller = 0; caller < 4; caller++) {
        callers.add(
            Thread.ofPlatform()
                .start(() -> {
                  try {
                    int[] done = new int[32];
                    for (int round = 1; round <= 500; round++) {
                      workers.run(32, (part, worker) -> done[part]++);
                      assertThat(done).containsOnly(round);
                    }
                  } catch (Throwable e) {
                    failure.set(e);
                  }
                }));
      }
      for (Thread caller : callers) {
        caller.join();
      }
      assertThat(failure).hasNullValue();
    }
  }

  @Test
  void aTaskMayCallItsOwnTeam() {
    try (Workers workers = new Workers(3)) {
      AtomicInteger done = new AtomicInteger();
      workers.run(
          8, (part, worker) -> workers.run(5, (inner, innerWorker) -> done.incrementAndGet()));
      assertThat(done).hasValue(40);
    }
  }

  @Test
  void anInterruptedCallerStillWaitsForAllPartsAndStaysInterrupted() {
    try (Workers workers = new Workers(2)) {
      Thread.currentThread().interrupt();
      AtomicInteger done = new AtomicInteger();
      workers.run(
          8,
          (part, worker) -> {
            long until = System.nanoTime() + 1_000_000;
            while (System.nanoTime() < until) {
              Thread.onSpinWait();
            }
            done.incrementAndGet();
          });
      assertThat(done).hasValue(8);
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  @Test
  void closingEndsTheThreadsAndFurtherUseIsRefused() {
    Workers workers = new Workers(4);
    List<Thread> threads = new ArrayList<>();
    for (int round = 0; round < 100; round++) {
      workers.run(
          64,
          (part, worker) -> {
            LockSupport.parkNanos(1000);
            if (worker > 0) {
              synchronized (threads) {
                threads.add(Thread.currentThread());
              }
            }
          });
    }
    assertThat(threads).isNotEmpty().allMatch(Thread::isDaemon);

    workers.close();

    assertThat(threads).noneMatch(Thread::isAlive);
    assertThatThrownBy(() -> workers.run(2, (part, worker) -> {}))
        .isInstanceOf(IllegalStateException.class);
    workers.close();
  }

  @Test
  @SuppressWarnings("try")
  void aTaskThatClosesItsOwnTeamIsRefused() {
    try (Workers workers = new Workers(2)) {
      assertThatThrownBy(() -> workers.run(4, (part, worker) -> workers.close()))
          .isInstanceOf(IllegalStateException.class);
    }
  }
}
