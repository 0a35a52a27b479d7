<?xml version="1.0" encoding="UTF-8"?>
<!-- Coded entries that no narrative says: a reader of the page must not know less than a program. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:v3="urn:hl7-org:v3"
                xmlns:r="urn:dmp-connector:render" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
                exclude-result-prefixes="v3 r xsi">

  <!-- which statements no narrative says is worked out beforehand (connector/render/html/unsaid.py) -->
  <xsl:template name="unsaid">
    <xsl:if test="@r:unsaid">
      <div class="wide">
        <table class="coded">
          <caption>Données codées, sans texte dans le document</caption>
          <thead>
            <tr><th scope="col">Élément</th><th scope="col">Valeur</th><th scope="col">Date</th></tr>
          </thead>
          <tbody><xsl:apply-templates select="v3:entry" mode="unsaid"/></tbody>
        </table>
      </div>
    </xsl:if>
  </xsl:template>

  <!-- one entry at a time: the descendants of many nodes at once are each compared with all found before -->
  <xsl:template match="v3:entry" mode="unsaid">
    <xsl:apply-templates select="descendant::*[@r:unsaid]" mode="fact"/>
  </xsl:template>

  <xsl:template match="*" mode="fact">
    <tr>
      <td>
        <xsl:if test="@negationInd = 'true'">Absence de : </xsl:if>
        <xsl:apply-templates select="v3:code" mode="value"/>
        <xsl:if test="@moodCode = 'INT' or @moodCode = 'RQO' or @moodCode = 'PRP' or @moodCode = 'ARQ'"> (prévu)</xsl:if>
        <xsl:if test="v3:statusCode/@code and v3:statusCode/@code != 'completed'"> (<xsl:apply-templates
            select="v3:statusCode" mode="label"/>)</xsl:if>
      </td>
      <td>
        <xsl:for-each select="v3:consumable/v3:manufacturedProduct/*[self::v3:manufacturedMaterial
            or self::v3:manufacturedLabeledDrug]">
          <xsl:call-template name="thing"/>
        </xsl:for-each>
        <xsl:for-each select="v3:product/v3:manufacturedProduct/*[self::v3:manufacturedMaterial
            or self::v3:manufacturedLabeledDrug]">
          <xsl:call-template name="thing"/>
        </xsl:for-each>
        <xsl:for-each select="v3:participant/v3:participantRole/*[self::v3:playingDevice or self::v3:playingEntity]">
          <xsl:call-template name="thing"/>
        </xsl:for-each>
        <xsl:for-each select="*[self::v3:doseQuantity or self::v3:rateQuantity or self::v3:quantity
                                or self::v3:routeCode or self::v3:targetSiteCode or self::v3:interpretationCode]">
          <div class="line"><xsl:apply-templates select="." mode="value"/></div>
        </xsl:for-each>
        <xsl:for-each select="v3:value">
          <div class="line"><xsl:apply-templates select="." mode="value"/></div>
        </xsl:for-each>
        <xsl:if test="normalize-space(v3:text[not(v3:reference)])">
          <div class="line"><xsl:value-of select="normalize-space(v3:text)"/></div>
        </xsl:if>
      </td>
      <td>
        <xsl:for-each select="v3:effectiveTime[.//@value]">
          <div class="line"><xsl:apply-templates select="." mode="span"/></div>
        </xsl:for-each>
      </td>
    </tr>
  </xsl:template>

  <!-- a medicine, a device, a substance -->
  <xsl:template name="thing">
    <div class="line">
      <xsl:value-of select="normalize-space(v3:name)"/>
      <xsl:if test="normalize-space(v3:name) and v3:code"><xsl:text> </xsl:text></xsl:if>
      <xsl:apply-templates select="v3:code" mode="value"/>
    </div>
  </xsl:template>

  <!-- a value of any type, as one would say it -->
  <xsl:template match="*" mode="value">
    <xsl:choose>
      <xsl:when test="@r:date"><xsl:value-of select="@r:date"/></xsl:when>
      <xsl:when test="@displayName"><xsl:value-of select="@displayName"/></xsl:when>
      <xsl:when test="normalize-space(v3:originalText)"><xsl:value-of select="normalize-space(v3:originalText)"/></xsl:when>
      <xsl:when test="contains(@xsi:type, 'BL') and @value = 'true'">Oui</xsl:when>
      <xsl:when test="contains(@xsi:type, 'BL') and @value = 'false'">Non</xsl:when>
      <xsl:when test="@value"><xsl:call-template name="quantity"/></xsl:when>
      <xsl:when test="v3:numerator">
        <xsl:for-each select="v3:numerator"><xsl:call-template name="quantity"/></xsl:for-each>
        <xsl:text> / </xsl:text>
        <xsl:for-each select="v3:denominator"><xsl:call-template name="quantity"/></xsl:for-each>
      </xsl:when>
      <xsl:when test="v3:low or v3:high">
        <xsl:for-each select="v3:low[@value]">
          <xsl:if test="not(../v3:high/@value)">≥ </xsl:if><xsl:apply-templates select="." mode="value"/>
        </xsl:for-each>
        <xsl:if test="v3:low/@value and v3:high/@value"> à </xsl:if>
        <xsl:for-each select="v3:high[@value]">
          <xsl:if test="not(../v3:low/@value)">≤ </xsl:if><xsl:apply-templates select="." mode="value"/>
        </xsl:for-each>
      </xsl:when>
      <xsl:when test="@code"><xsl:value-of select="@code"/></xsl:when>
      <xsl:when test="@nullFlavor"><xsl:apply-templates select="@nullFlavor" mode="label"/></xsl:when>
      <xsl:when test="@mediaType"/>
      <xsl:when test="normalize-space()"><xsl:value-of select="normalize-space()"/></xsl:when>
      <xsl:otherwise>non renseigné</xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template name="quantity">
    <xsl:value-of select="@value"/>
    <xsl:if test="@unit and @unit != '1'"><xsl:value-of select="concat(' ', @unit)"/></xsl:if>
  </xsl:template>
</xsl:stylesheet>
