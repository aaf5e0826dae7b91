package modelmapreducejob;

import java.io.DataInput;
import java.io.EOFException;
import java.io.IOException;
import org.apache.hadoop.io.ByteWritable;
import org.apache.hadoop.io.BytesWritable;
import org.apache.hadoop.streaming.PipeMapRed;
import org.apache.hadoop.streaming.io.OutputReader;

/** Reads what a task's process writes: blocks of the part and a report, and the frame that ends them. */
public final class FrameReader extends OutputReader<ByteWritable, BytesWritable> {
  private static final int LARGEST = 1 << 24;

  private final ByteWritable kind = new ByteWritable();
  private final BytesWritable content = new BytesWritable();
  private DataInput in;
  private boolean ended;

  @Override
  public void initialize(PipeMapRed pipe) throws IOException {
    super.initialize(pipe);
    in = pipe.getClientInput();
  }

  @Override
  public boolean readKeyValue() throws IOException {
    if (ended) {
      return false;
    }
    try {
      kind.set(in.readByte());
      ended = kind.get() == Frames.END;
      if (!ended) {
        readContent();
      }
    } catch (EOFException error) {
      throw new IOException("The task's process ended before its output did: none of it is used", error);
    }
    return !ended;
  }

  private void readContent() throws IOException {
    int length = kind.get() == Frames.BLOCK || kind.get() == Frames.REPORT ? in.readInt() : -1;
    if (length < 0 || length > LARGEST) {
      throw new IOException("The task's output has a byte " + kind.get()
          + " where a frame begins: something else has written to it, and none of it is used");
    }
    if (content.getCapacity() < length) {
      content.setSize(0); // what it has is not copied then
      content.setCapacity(length);
    }
    content.setSize(length);
    in.readFully(content.getBytes(), 0, length);
  }

  @Override
  public ByteWritable getCurrentKey() {
    return kind;
  }

  @Override
  public BytesWritable getCurrentValue() {
    return content;
  }

  @Override
  public String getLastOutput() {
    return content.getLength() + " bytes"; // in a log nobody expects records
  }
}
