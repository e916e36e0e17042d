package io.github.vlm4j.core.event;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** A prompt passed the decoder. */
@Name("io.github.vlm4j.Prefill")
@Label("Prefill")
@Description("A prompt passed the decoder")
@Category("VLM4J")
@StackTrace(false)
public final class PrefillEvent extends Event {

  /** The prompt's tokens, image tokens included. */
  @Label("Tokens")
  public int tokens;

  /** Creates an event that has not begun. */
  public PrefillEvent() {}
}
