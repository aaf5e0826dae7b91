package modelmapreducejob;

import org.apache.hadoop.io.ByteWritable;
import org.apache.hadoop.io.BytesWritable;
import org.apache.hadoop.streaming.io.IdentifierResolver;

/** Knows "block" beside Hadoop streaming's own names for what goes to a process and comes from it. */
public final class BlockResolver extends IdentifierResolver {
  @Override
  public void resolve(String identifier) {
    if ("block".equalsIgnoreCase(identifier)) {
      setInputWriterClass(FrameWriter.class);
      setOutputReaderClass(FrameReader.class);
      setOutputKeyClass(ByteWritable.class);
      setOutputValueClass(BytesWritable.class);
    } else {
      super.resolve(identifier);
    }
  }
}
