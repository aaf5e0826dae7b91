package modelmapreducejob;

import java.io.DataOutput;
import java.io.IOException;
import org.apache.hadoop.io.BytesWritable;
import org.apache.hadoop.io.Text;
import org.apache.hadoop.streaming.PipeMapRed;
import org.apache.hadoop.streaming.io.InputWriter;

/** Writes blocks to a task's process as they are, and their place where that is another one. */
public final class FrameWriter extends InputWriter<Text, BytesWritable> {
  private final Text place = new Text();
  private DataOutput out;

  @Override
  public void initialize(PipeMapRed pipe) throws IOException {
    super.initialize(pipe);
    out = pipe.getClientOutput();
  }

  @Override
  public void writeKey(Text key) throws IOException {
    if (!key.equals(place)) {
      place.set(key);
      write(Frames.PLACE, key.getBytes(), key.getLength());
    }
  }

  @Override
  public void writeValue(BytesWritable block) throws IOException {
    write(Frames.BLOCK, block.getBytes(), block.getLength());
  }

  private void write(byte kind, byte[] bytes, int length) throws IOException {
    out.writeByte(kind);
    out.writeInt(length);
    out.write(bytes, 0, length);
  }
}
