package modelmapreducejob;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.List;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.BytesWritable;
import org.apache.hadoop.io.Text;
import org.apache.hadoop.io.compress.CompressionCodec;
import org.apache.hadoop.io.compress.CompressionCodecFactory;
import org.apache.hadoop.mapred.FileSplit;
import org.apache.hadoop.mapred.JobConf;
import org.apache.hadoop.mapred.RecordReader;
import org.apache.hadoop.mapred.Reporter;
import org.apache.hadoop.mapreduce.TaskCounter;

/**
 * The bytes of the lines of some splits, or of ranges of files, one after the other. A key is the place where
 * its split begins: the first byte, a space, and the file's name.
 */
final class BlockReader implements RecordReader<Text, BytesWritable> {
  static final String COUNTERS = "blocks";
  static final String LINES = "input lines";
  static final String BYTES_GIVEN = "input bytes"; // of ranges
  static final int BYTES = 1 << 18;

  private final List<FileSplit> splits;
  private final JobConf job;
  private final CompressionCodecFactory codecs; // null where splits are ranges
  private final Reporter reporter;
  private final long length;
  private long lengthBefore; // of the splits that were read
  private int next;
  private FileSplit split; // the one that is read, null before the first and after each
  private SplitLines lines;
  private boolean endsInLine;

  BlockReader(List<FileSplit> splits, JobConf job, Reporter reporter) {
    this.splits = splits;
    this.job = job;
    this.reporter = reporter;
    codecs = job.get(NamedRanges.LIST) == null ? new CompressionCodecFactory(job) : null;
    long sum = 0;
    for (FileSplit one : splits) {
      sum += one.getLength();
    }
    length = Math.max(1, sum);
  }

  @Override
  public boolean next(Text place, BytesWritable block) throws IOException {
    while (split != null || next < splits.size()) {
      try {
        if (split == null) {
          open(splits.get(next++));
        }
        place.set(split.getStart() + " " + split.getPath());
        if (readInto(block)) {
          return true;
        }
      } catch (IOException | RuntimeException error) { // codecs raise either for a damaged file
        throw new IOException(complaint(error), error);
      }
    }
    return false;
  }

  private void open(FileSplit opened) throws IOException {
    split = opened;
    endsInLine = false;
    FSDataInputStream file = split.getPath().getFileSystem(job).open(split.getPath());
    lines = linesOf(file, split.getStart(), split.getStart() + split.getLength());
  }

  private SplitLines linesOf(FSDataInputStream file, long start, long end) throws IOException {
    if (codecs == null) {
      return new RangeBytes(file, start, end);
    }
    CompressionCodec codec = codecs.getCodec(split.getPath());
    return codec == null ? new PlainLines(file, start, end) : new CompressedLines(file, codec, split);
  }

  /** Returns whether there was more of the split that is open; it's closed after its end. */
  private boolean readInto(BytesWritable block) throws IOException {
    byte[] bytes = block.getBytes();
    int read = lines.read(bytes, BYTES);
    if (read < 0) {
      close();
      count(endsInLine && codecs != null ? 1 : 0);
      return false;
    }
    block.setSize(read);
    endsInLine = bytes[read - 1] != '\n';
    reporter.incrCounter(TaskCounter.MAP_INPUT_RECORDS, -1);
    if (codecs == null) {
      reporter.incrCounter(COUNTERS, BYTES_GIVEN, read);
    } else {
      count(Newlines.count(bytes, read));
    }
    return true;
  }

  /** Counts lines here and in Hadoop's own counter, which has counted blocks. */
  private void count(long added) {
    reporter.incrCounter(TaskCounter.MAP_INPUT_RECORDS, added);
    reporter.incrCounter(COUNTERS, LINES, added);
  }

  private String complaint(Exception error) {
    Path path = (split == null ? splits.get(next - 1) : split).getPath();
    if (error instanceof FileNotFoundException) {
      return "The input " + path + " is gone";
    }
    return "The input " + path + " can't be read, or is cut off or damaged: " + error;
  }

  @Override
  public Text createKey() {
    return new Text();
  }

  @Override
  public BytesWritable createValue() {
    return new BytesWritable(new byte[BYTES], 0);
  }

  @Override
  public long getPos() throws IOException {
    return split == null ? lengthBefore : lengthBefore + Math.max(0, lines.position() - split.getStart());
  }

  @Override
  public float getProgress() throws IOException {
    return Math.min(1f, (float) getPos() / length);
  }

  @Override
  public void close() throws IOException {
    if (split != null) {
      lengthBefore += split.getLength();
      split = null;
    }
    if (lines != null) { // an input that can't be opened has none
      lines.close();
      lines = null;
    }
  }
}
