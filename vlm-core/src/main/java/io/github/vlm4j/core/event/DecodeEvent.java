package io.github.vlm4j.core.event;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** An answer was written, token by token. */
@Name("io.github.vlm4j.Decode")
@Label("Decode")
@Description("An answer was written, token by token")
@Category("VLM4J")
@StackTrace(false)
public final class DecodeEvent extends Event {

  /** The tokens written. */
  @Label("Tokens")
  public int tokens;

  /** Creates an event that has not begun. */
  public DecodeEvent() {}
}
