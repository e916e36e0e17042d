package io.github.vlm4j.backend.cpu;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A fixed team of threads that share one piece of work at a time: the calling thread and daemon
 * threads that wait for it. Parts are taken one by one, so that a slow core takes fewer of them and
 * a thread that never wakes up holds nobody back. A round allocates nothing.
 *
 * <p>Several callers take turns. A task that calls its own team runs the inner parts itself.
 */
final class Workers implements AutoCloseable {

  /** Work that can be done in parts, each exactly once, in any order. */
  @FunctionalInterface
  interface Task {

    /**
     * Does one part.
     *
     * @param part which, from 0
     * @param worker who does it, less than {@link Workers#size}; no two do at the same time
     */
    void run(int part, int worker);
  }

  /** Longer than the pause between two operations of a graph, shorter than anyone would notice. */
  private static final long SPIN_NANOS = 50_000;

  private static final int SPINS_PER_CLOCK_READ = 64;

  private static final Task NOTHING = (part, worker) -> {};

  private final ReentrantLock turn = new ReentrantLock();
  private final Member[] members;

  private final AtomicInteger unclaimed = new AtomicInteger();
  private final AtomicInteger unfinished = new AtomicInteger();
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
  private volatile @Nullable Thread parkedCaller;
  private volatile boolean closed;

  /** Written by the caller whose turn it is, before {@link #unclaimed} publishes them. */
  private Task task = NOTHING;

  private int parts;

  /**
   * Starts a team.
   *
   * @param size the number of threads that compute, the caller included; at least 1
   */
  Workers(int size) {
    members = new Member[size - 1];
    for (int i = 0; i < members.length; i++) {
      members[i] = new Member(i + 1);
    }
    for (Member member : members) {
      member.thread.start();
    }
  }

  /** Returns the number of threads that compute, the caller included. */
  int size() {
    return members.length + 1;
  }

  /**
   * Does all parts of a task and returns when they are done.
   *
   * @param count the number of parts
   * @throws IllegalStateException if the team is closed
   * @throws RuntimeException what the first failing part threw; the parts after it are left out
   */
  void run(int count, Task work) {
    if (closed) {
      throw new IllegalStateException("The workers are closed");
    }
    int self = indexOf(Thread.currentThread());
    if (count <= 1 || members.length == 0 || self > 0 || turn.isHeldByCurrentThread()) {
      for (int part = 0; part < count; part++) {
        work.run(part, self);
      }
      return;
    }
    turn.lock();
    try {
      runShared(count, work);
    } finally {
      task = NOTHING;
      turn.unlock();
    }
  }

  private void runShared(int count, Task work) {
    if (closed) {
      throw new IllegalStateException("The workers are closed");
    }
    task = work;
    parts = count;
    failure.set(null);
    unfinished.set(count);
    unclaimed.set(count);
    for (int i = 0; i < Math.min(members.length, count - 1); i++) {
      members[i].wake();
    }
    takeParts(0);
    awaitOthers();
    switch (failure.get()) {
      case null -> {}
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      case Throwable e -> throw new IllegalStateException(e);
    }
  }

  private void takeParts(int worker) {
    int left;
    while ((left = unclaimed.get()) > 0) {
      if (unclaimed.compareAndSet(left, left - 1)) {
        // Only a claimed part keeps the round open, so task and parts must not be read before.
        runPart(parts - left, worker);
      }
    }
  }

  private void runPart(int part, int worker) {
    try {
      if (failure.get() == null) {
        task.run(part, worker);
      }
    } catch (Throwable e) {
      failure.compareAndSet(null, e);
    } finally {
      if (unfinished.decrementAndGet() == 0) {
        LockSupport.unpark(parkedCaller);
      }
    }
  }

  private void awaitOthers() {
    long deadline = System.nanoTime() + SPIN_NANOS;
    while (unfinished.get() > 0) {
      if (System.nanoTime() - deadline > 0) {
        parkedCaller = Thread.currentThread();
        while (unfinished.get() > 0) {
          LockSupport.park(this);
        }
        parkedCaller = null;
        return;
      }
      pause(unfinished);
    }
  }

  /** Spins for as long as it takes to read a clock cheaply, or until the counter turns. */
  private static void pause(AtomicInteger counter) {
    int before = counter.get();
    for (int i = 0; i < SPINS_PER_CLOCK_READ && counter.get() == before; i++) {
      Thread.onSpinWait();
    }
  }

  private int indexOf(Thread thread) {
    for (Member member : members) {
      if (member.thread.equals(thread)) {
        return member.index;
      }
    }
    return 0;
  }

  /**
   * Ends the threads, after the round in progress if there is one.
   *
   * @throws IllegalStateException if called by one of the team's own tasks
   */
  @Override
  public void close() {
    if (turn.isHeldByCurrentThread() || indexOf(Thread.currentThread()) > 0) {
      throw new IllegalStateException("A task must not close the workers that run it");
    }
    turn.lock();
    try {
      closed = true;
      for (Member member : members) {
        LockSupport.unpark(member.thread);
      }
    } finally {
      turn.unlock();
    }
    boolean interrupted = false;
    for (Member member : members) {
      while (member.thread.isAlive()) {
        try {
          member.thread.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** One thread that waits for rounds. */
  private final class Member implements Runnable {

    private final int index;
    private final Thread thread;
    private volatile boolean parked;

    Member(int index) {
      this.index = index;
      this.thread = Thread.ofPlatform().daemon().name("vlm-cpu-" + index).unstarted(this);
    }

    void wake() {
      if (parked) {
        LockSupport.unpark(thread);
      }
    }

    @Override
    public void run() {
      while (!closed) {
        takeParts(index);
        awaitRound();
      }
    }

    private void awaitRound() {
      long deadline = System.nanoTime() + SPIN_NANOS;
      while (unclaimed.get() <= 0 && !closed) {
        if (System.nanoTime() - deadline > 0) {
          // An interrupt would turn parking into spinning.
          Thread.interrupted();
          parked = true;
          if (unclaimed.get() <= 0 && !closed) {
            LockSupport.park(Workers.this);
          }
          parked = false;
          deadline = System.nanoTime() + SPIN_NANOS;
        } else {
          pause(unclaimed);
        }
      }
    }
  }
}
