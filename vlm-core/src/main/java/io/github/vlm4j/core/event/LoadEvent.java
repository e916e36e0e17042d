package io.github.vlm4j.core.event;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** A model was opened: its files read and checked, its layers laid out. */
@Name("io.github.vlm4j.Load")
@Label("Model Load")
@Description("A model was opened")
@Category("VLM4J")
@StackTrace(false)
public final class LoadEvent extends Event {

  /** The model's {@code model_type}. */
  @Label("Model Type")
  public String modelType = "";

  /** The bytes of its parameters. */
  @Label("Weights")
  @DataAmount
  public long weightBytes;

  /** Creates an event that has not begun. */
  public LoadEvent() {}
}
